#include "eq_lstm.h"

static inline int32_t clamp_16(int32_t v)
{
    return eq_clamp(v, INT16_MIN, INT16_MAX);
}

static inline int32_t scaled(int32_t v, const struct eq_lstm_factor *f)
{
    return eq_requantize(v, f->multiplier, f->shift);
}

/* The logistic function between two samples that are 2^bits apart, `end` behind the last. */
static int32_t interpolate(const int32_t *samples, int32_t v, int32_t bits, int32_t end)
{
    const int32_t at = v >> bits;
    if (at >= 255) {
        return end;
    }
    return samples[at] * (1 << bits) + (v - at * (1 << bits)) * (samples[at + 1] - samples[at]);
}

/* Q3.12 to Q0.15. */
static int32_t logistic(const int32_t *samples, int32_t v)
{
    const int32_t x = v * 3;
    const int32_t r = interpolate(samples, x < 0 ? -x : x, 9, 0x7fff << 10);
    return (x < 0 ? (1 << 25) - r + 511 : r + 512) >> 10;
}

/* 2 * logistic(2 * x) - 1, for three times x in Q3.12; Q0.15 comes out. */
static int32_t tangent(const int32_t *samples, int32_t x)
{
    const int32_t r = interpolate(samples, x < 0 ? -x : x, 8, 0xffff << 8) - (1 << 23);
    return (x < 0 ? 127 - r : r + 128) >> 8;
}

/* gates[g] += the requantised product of `x` and the four gates of cell `unit`. */
static void add_gates(const struct eq_lstm_product *p, eq_lstm_sum *sum, int32_t depth, int32_t unit,
                      const int8_t *x, int32_t *gates)
{
    const int32_t *const bias = p->bias + 4 * unit;
    int32_t acc[4] = {bias[0], bias[1], bias[2], bias[3]}, g;
    sum(p, depth, unit, x, acc);
    for (g = 0; g < 4; g++) {
        gates[g] += clamp_16(eq_requantize(acc[g], p->multiplier[g], p->shift[g]));
    }
}

/* Moves one cell on; returns what it shows. */
static int32_t advance(const struct eq_lstm *l, const int32_t *gates, int16_t *cell)
{
    const int32_t *const samples = l->logistic;
    const int32_t keep = logistic(samples, clamp_16(gates[0]));
    const int32_t add = logistic(samples, clamp_16(gates[1]));
    const int32_t show = logistic(samples, clamp_16(gates[3]));
    const int32_t fresh = tangent(samples, clamp_16(gates[2]) * 3);
    const int32_t kept = clamp_16(scaled(keep * *cell, &l->keep));
    const int32_t sum = kept + clamp_16(scaled(add * fresh, &l->add));
    const int32_t c = eq_clamp(sum, l->cell_min, l->cell_max);
    const int32_t half = (1 << l->tanh_shift) >> 1;
    *cell = (int16_t)c;
    return scaled(tangent(samples, (c * l->tanh_multiplier + half) >> l->tanh_shift) * show,
                  &l->result);
}

/* All cells read the old state, so the new one grows in y first. */
static void step(const struct eq_lstm *l, eq_lstm_sum *sum, const int8_t *x, int8_t *state,
                 int16_t *cell, int8_t *y)
{
    int32_t i;
    for (i = 0; i < l->units; i++) {
        int32_t gates[4] = {0, 0, 0, 0};
        add_gates(&l->input, sum, l->depth, i, x, gates);
        add_gates(&l->recurrent, sum, l->units, i, state, gates);
        y[i] = (int8_t)eq_clamp(advance(l, gates, cell + i) + l->zero, INT8_MIN, INT8_MAX);
    }
    for (i = 0; i < l->units; i++) {
        state[i] = y[i];
    }
}

void eq_lstm_run(const struct eq_lstm *layer, eq_lstm_sum *sum, const int8_t *x, int8_t *state,
                 int16_t *cell, int8_t *y)
{
    const struct eq_lstm l = *layer;
    int32_t b, t;
    for (b = 0; b < l.batches; b++) {
        for (t = 0; t < l.steps; t++) {
            const int32_t at = b * l.batch_stride + t * l.step_stride;
            step(&l, sum, x + at * l.depth, state + b * l.units, cell + b * l.units,
                 y + at * l.units);
        }
    }
}
