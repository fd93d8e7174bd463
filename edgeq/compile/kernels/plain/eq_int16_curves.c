#include "eq_int16_curves.h"

static int32_t place(const struct eq_int16_curve *layer, int32_t v)
{
    return (v * layer->multiplier + ((int32_t)1 << layer->shift >> 1)) >> layer->shift;
}

/* The sigmoid of a magnitude whose integer part starts at `bits`, in 0.(16 + bits). */
static int32_t sigmoid(const int32_t *table, int32_t magnitude, int32_t bits, int32_t most)
{
    const int32_t i = magnitude >> bits, rest = magnitude & (((int32_t)1 << bits) - 1);
    return i >= 255 ? most : (table[i] << bits) + rest * (table[i + 1] - table[i]);
}

void eq_int16_logistic(const struct eq_int16_curve *layer, const int16_t *x, int16_t *y)
{
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        const int32_t v = place(layer, x[i]);
        const int32_t s = sigmoid(layer->sigmoid, v < 0 ? -v : v, 9, (int32_t)0x7fff << 10);
        y[i] = (int16_t)((v < 0 ? ((int32_t)1 << 25) - s + 511 : s + 512) >> 10);
    }
}

void eq_int16_tanh(const struct eq_int16_curve *layer, const int16_t *x, int16_t *y)
{
    int32_t i;
    for (i = 0; i < layer->count; i++) {
        const int32_t v = place(layer, x[i]);
        const int32_t s = sigmoid(layer->sigmoid, v < 0 ? -v : v, 8, (int32_t)0xffff << 8)
                          - ((int32_t)1 << 23);
        y[i] = (int16_t)((v < 0 ? 127 - s : s + 128) >> 8);
    }
}

static int32_t look_up(const int16_t *table, int32_t v)
{
    const int16_t *const entry = table + 256 + (v >> 7);
    return entry[0] + (((entry[1] - entry[0]) * (v & 127) + 64) >> 7);
}

static int16_t largest(const int16_t *x, int32_t count)
{
    int16_t most = x[0];
    int32_t i;
    for (i = 1; i < count; i++) {
        most = x[i] > most ? x[i] : most;
    }
    return most;
}

/* Writes the exponentials to `y` and returns their sum. */
static int32_t exponentials(const struct eq_int16_softmax *layer, const int16_t *x, int16_t *y)
{
    const int32_t most = largest(x, layer->depth);
    int32_t sum = 0, i;
    for (i = 0; i < layer->depth; i++) {
        const int32_t v = eq_requantize(x[i] - most, layer->multiplier, layer->shift) + 32767;
        y[i] = (int16_t)look_up(layer->exp, eq_clamp(v, INT16_MIN, INT16_MAX));
        sum += y[i];
    }
    return sum;
}

void eq_int16_softmax(const struct eq_int16_softmax *layer, const int16_t *x, int16_t *y)
{
    int32_t n, i;
    for (n = 0; n < layer->rows; n++) {
        const int32_t sum = exponentials(layer, x, y);
        int32_t bits = 0, inverse, v;
        while (sum >> bits > 1) {
            bits++; /* of the sum behind its first one */
        }
        v = (int32_t)((((uint32_t)sum << (30 - bits)) + 8192u) >> 14) - 98304;
        inverse = look_up(layer->reciprocal, eq_clamp(v, INT16_MIN, INT16_MAX));
        for (i = 0; i < layer->depth; i++) {
            v = (int32_t)(((int64_t)y[i] * inverse + ((int32_t)1 << bits >> 1)) >> bits);
            y[i] = (int16_t)eq_clamp(v, 0, INT16_MAX);
        }
        x += layer->depth;
        y += layer->depth;
    }
}
