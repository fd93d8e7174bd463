#include "eq_dsp16_long.h"

/* sum + x0 * y0 + x1 * y1. */
static inline int64_t add_two(int32_t x, int32_t y, int64_t sum)
{
#ifdef EQ_DSP_ASM
    __asm__("smlald %Q0, %R0, %1, %2" : "+r"(sum) : "r"(x), "r"(y));
    return sum;
#else
    return sum + (int16_t)x * (int16_t)y + (x >> 16) * (y >> 16);
#endif
}

/* Two pixels and two outputs: sums of the first pixel, then of the second. */
static void add_steps(const int32_t *x, const int32_t *weights, int32_t steps, int64_t *sums)
{
    int64_t a0 = sums[0], b0 = sums[1], a1 = sums[2], b1 = sums[3];
    for (; steps > 0; steps--, x += 4) {
        const int32_t w = *weights++, a = eq_dsp_sxtb16(w), b = eq_dsp_sxtb16_8(w);
        a0 = add_two(x[0], a, a0);
        b0 = add_two(x[0], b, b0);
        a1 = add_two(x[1], a, a1);
        b1 = add_two(x[1], b, b1);
    }
    sums[0] = a0;
    sums[1] = b0;
    sums[2] = a1;
    sums[3] = b1;
}

static void tile(const void *matrix, const int32_t *x, int32_t pixels, int16_t *y)
{
    const struct eq_dsp16_long *d = matrix;
    const struct eq_int16_output *q = &d->out;
    const int32_t outputs = d->window.out_c;
    int32_t o, p, i;
    for (o = 0; o < outputs; o += 2) {
        const int32_t *const weights = d->weights + (o >> 1) * d->steps;
        const int32_t second = o + 1 < outputs ? o + 1 : o;
        for (p = 0; p < pixels; p += 2) {
            int64_t sums[4] = {q->bias[o], q->bias[second], q->bias[o], q->bias[second]};
            add_steps(x + p, weights, d->steps, sums);
            for (i = 0; i < 2 && p + i < pixels; i++) {
                int16_t *const to = y + (p + i) * outputs;
                to[second] = eq_int16_finish(q, sums[2 * i + 1], second);
                to[o] = eq_int16_finish(q, sums[2 * i], o);
            }
        }
    }
}

void eq_dsp16_long(const struct eq_dsp16_long *layer, const int16_t *x, int8_t *scratch,
                   int16_t *y)
{
    eq_dsp16_walk(&layer->window, x, scratch, y, tile, layer);
}
