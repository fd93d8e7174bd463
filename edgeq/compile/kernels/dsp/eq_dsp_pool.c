#include "eq_dsp_pool.h"

#include "eq_dsp_bytes.h"
#include "eq_patch.h"

/* Channels are taken in fours; the last four of an odd count overlap those before them. */
typedef uint32_t four_function(const struct eq_patch *patch, const int8_t *x);

/* The mean, rounded half away from zero. */
static uint32_t mean(int32_t sum, int32_t count)
{
    return (uint32_t)((sum > 0 ? sum + count / 2 : sum - count / 2) / count) & 0xff;
}

/* At most 255 taps: their sum fits a half. */
static uint32_t average_four(const struct eq_patch *p, const int8_t *x)
{
    const int32_t count = p->rows * p->columns, step = p->pixel_bytes;
    uint32_t even = 0, odd = 0;
    int32_t row, column;
    for (row = 0; row < p->rows; row++) {
        const int8_t *v = x;
        for (column = p->columns; column > 0; column--) {
            const uint32_t four = eq_load_four(v);
            even = eq_add_even_bytes(even, four);
            odd = eq_add_odd_bytes(odd, four);
            v += step;
        }
        x += p->row_bytes;
    }
    return mean((int16_t)(even & 0xffff), count) | mean((int16_t)(odd & 0xffff), count) << 8
           | mean((int16_t)(even >> 16), count) << 16 | mean((int16_t)(odd >> 16), count) << 24;
}

static uint32_t largest_four(const struct eq_patch *p, const int8_t *x)
{
    uint32_t most = 0x80808080;
    int32_t row, column;
    for (row = 0; row < p->rows; row++) {
        const int8_t *v = x;
        for (column = p->columns; column > 0; column--) {
            most = eq_larger_bytes(most, eq_load_four(v));
            v += p->pixel_bytes;
        }
        x += p->row_bytes;
    }
    return most;
}

static void clamp(const struct eq_pool *layer, int8_t *y, int32_t count)
{
    int32_t i;
    if (layer->min > INT8_MIN || layer->max < INT8_MAX) {
        for (i = 0; i < count; i++) {
            y[i] = (int8_t)eq_clamp(y[i], layer->min, layer->max);
        }
    }
}

static inline void pool(const struct eq_pool *layer, const int8_t *x, int8_t *y,
                        four_function *reduce)
{
    const struct eq_window *g = &layer->window;
    const int32_t channels = g->in_c;
    int32_t n, oy, ox, c;
    for (n = 0; n < g->batch; n++) {
        for (oy = 0; oy < g->out_h; oy++) {
            for (ox = 0; ox < g->out_w; ox++) {
                const struct eq_patch cut = eq_cut_patch(g, x, oy, ox);
                for (c = 0; c < channels; c += 4) {
                    const int32_t at = c + 4 > channels ? channels - 4 : c;
                    eq_store_four(y + at, reduce(&cut, cut.x + at));
                }
                clamp(layer, y, channels);
                y += channels;
            }
        }
        x += g->in_h * g->in_w * channels;
    }
}

void eq_dsp_average_pool(const struct eq_pool *layer, const int8_t *x, int8_t *y)
{
    pool(layer, x, y, average_four);
}

void eq_dsp_max_pool(const struct eq_pool *layer, const int8_t *x, int8_t *y)
{
    pool(layer, x, y, largest_four);
}
