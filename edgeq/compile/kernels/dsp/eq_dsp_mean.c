#include "eq_dsp_mean.h"

#include "eq_dsp_bytes.h"

#define FIT 255 /* int8 whose sum fits a half of a word */

/* The sums of four neighbouring channels over `count` pixels, `step` bytes apart. */
static void sum_four(const int8_t *x, int32_t count, int32_t step, int32_t *sums)
{
    sums[0] = sums[1] = sums[2] = sums[3] = 0;
    while (count > 0) {
        const int32_t part = count < FIT ? count : FIT;
        uint32_t even = 0, odd = 0;
        int32_t i;
        for (i = part; i > 0; i--) {
            const uint32_t four = eq_load_four(x);
            even = eq_add_even_bytes(even, four);
            odd = eq_add_odd_bytes(odd, four);
            x += step;
        }
        sums[0] += (int16_t)(even & 0xffff);
        sums[1] += (int16_t)(odd & 0xffff);
        sums[2] += (int16_t)(even >> 16);
        sums[3] += (int16_t)(odd >> 16);
        count -= part;
    }
}

/* Channels are taken in fours; the last four of an odd count overlap those before them. */
void eq_dsp_mean(const struct eq_mean *layer, const int8_t *x, int8_t *y)
{
    const int32_t pixels = layer->size[1], channels = layer->size[4];
    int32_t sums[4], i, c, k;
    for (i = 0; i < layer->size[0]; i++) {
        for (c = 0; c < channels; c += 4) {
            const int32_t at = c + 4 > channels ? channels - 4 : c;
            sum_four(x + at, pixels, channels, sums);
            for (k = 0; k < 4; k++) {
                const int32_t acc = sums[k] + layer->offset;
                const int32_t v = eq_requantize(acc, layer->multiplier, layer->shift);
                y[at + k] = (int8_t)eq_clamp(v + layer->zero, INT8_MIN, INT8_MAX);
            }
        }
        x += pixels * channels;
        y += channels;
    }
}
