#include "eq_svdf.h"

/* What filter `f` makes of x, between `least` and -1 - least. */
static int32_t feature(const struct eq_svdf *s, int32_t f, const int8_t *x, int32_t least)
{
    const int8_t *const w = s->weights + f * s->depth;
    int32_t acc = s->bias[f], k;
    for (k = 0; k < s->depth; k++) {
        acc += x[k] * w[k];
    }
    return eq_clamp(eq_requantize(acc, s->multiplier, s->shift), least, -1 - least);
}

/* One filter: its state moves on by one, then it is weighed. */
static int32_t weigh(const struct eq_svdf *s, const int8_t *over_time, int8_t *state, int32_t fresh)
{
    int32_t acc = 0, k;
    for (k = 0; k < s->memory; k++) {
        state[k] = k + 1 < s->memory ? state[k + 1] : (int8_t)(fresh + s->state_zero);
        acc += over_time[k] * (state[k] - s->state_zero);
    }
    return acc;
}

static int32_t weigh_16(const struct eq_svdf *s, const int16_t *over_time, int16_t *state,
                        int32_t fresh)
{
    int32_t acc = 0, k;
    for (k = 0; k < s->memory; k++) {
        state[k] = k + 1 < s->memory ? state[k + 1] : (int16_t)fresh;
        acc += over_time[k] * state[k];
    }
    return acc;
}

void eq_svdf(const struct eq_svdf *layer, const int8_t *x, const int8_t *over_time, int8_t *state,
             int8_t *y)
{
    const struct eq_svdf s = *layer;
    int32_t b, f, acc = 0;
    for (b = 0; b < s.batches; b++, x += s.depth) {
        for (f = 0; f < s.filters; f++, state += s.memory) {
            acc += weigh(&s, over_time + f * s.memory, state, feature(&s, f, x, INT8_MIN));
            if ((f + 1) % s.rank == 0) {
                *y++ = eq_finish(&s.out, acc + s.out.bias[f / s.rank], 0);
                acc = 0;
            }
        }
    }
}

void eq_svdf_16(const struct eq_svdf *layer, const int8_t *x, const int16_t *over_time,
                int16_t *state, int8_t *y)
{
    const struct eq_svdf s = *layer;
    int32_t b, f, acc = 0;
    for (b = 0; b < s.batches; b++, x += s.depth) {
        for (f = 0; f < s.filters; f++, state += s.memory) {
            acc += weigh_16(&s, over_time + f * s.memory, state, feature(&s, f, x, INT16_MIN));
            if ((f + 1) % s.rank == 0) {
                *y++ = eq_finish(&s.out, acc + s.out.bias[f / s.rank], 0);
                acc = 0;
            }
        }
    }
}
