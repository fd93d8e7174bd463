#include "eq_fixed.h"
#include "eq_normalize.h"

/* In Q0. */
#define SQRT_HALF 1518500250
#define SQRT_SQRT_HALF 1805811301
#define LOG_2 1488522236
/* One quarter in Q6. */
#define QUARTER ((int32_t)1 << 23)

static int32_t wrapping_sum(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* The rest of a logarithm, in Q0, as a rational function of r around 2^(-1/4). */
static int32_t rational(int32_t r, int32_t *denominator)
{
    const int64_t total = (int64_t)r + SQRT_SQRT_HALF;
    const int32_t p = (int32_t)((total + 1) / 2), q = 2 * (r - SQRT_SQRT_HALF);
    const int32_t square = eq_multiply(q, q);
    const int32_t inner = wrapping_sum(wrapping_sum(1057819769, q), eq_multiply(127690142, square));
    *denominator = wrapping_sum(eq_multiply(p, inner), eq_multiply(638450708, q));
    return wrapping_sum(eq_multiply(q, r), eq_multiply(eq_multiply(q, square), 117049297));
}

/* log(x) in Q5 for x >= 1 in Q12: a power of two, chosen twice half a bit apart, and the rest. */
static int32_t log_of_sum(int32_t x)
{
    const int32_t x_zeros = eq_leading_zeros((uint32_t)x);
    const int32_t half = eq_multiply(x, SQRT_HALF);
    const int32_t half_zeros = eq_leading_zeros((uint32_t)half) - 1;
    const int32_t high = eq_multiply(eq_shift_left_saturating(x, x_zeros - 1), SQRT_HALF);
    const int32_t a = eq_shift_left_saturating(high, 1);
    const int32_t b = eq_shift_left_saturating(x, half_zeros);
    const int32_t a_power = (12 - x_zeros) * ((int32_t)1 << 25) + QUARTER;
    const int32_t b_power = (12 - half_zeros) * ((int32_t)1 << 25) - QUARTER;
    int32_t denominator, rest;
    rest = eq_divide_by_power(rational(a < b ? a : b, &denominator), 6);
    rest = eq_multiply(rest, eq_reciprocal(denominator));
    rest = wrapping_sum(eq_multiply(a_power > b_power ? a_power : b_power, LOG_2), rest);
    return eq_shift_left_saturating(rest, 1);
}

/* A difference minus the logarithm, both in Q5, as int8 of scale 1/16. */
static int8_t finish(int32_t scaled, int32_t log)
{
    const int32_t v = eq_divide_by_power(wrapping_sum(scaled, -log), 22) + 127;
    return (int8_t)eq_clamp(v, INT8_MIN, INT8_MAX);
}

static void log_softmax_row(const struct eq_log_softmax *s, const int8_t *x, int8_t *y)
{
    int32_t most = INT8_MIN, sum = 0, log, reach, c;
    for (c = 0; c < s->depth; c++) {
        most = x[c] > most ? x[c] : most;
    }
    for (c = 0; c < s->depth; c++) {
        sum += most - x[c] < s->entries ? s->exp[most - x[c]] : 0;
    }
    log = log_of_sum(sum);
    reach = -eq_requantize(wrapping_sum(log, INT32_MIN), s->multiplier, s->shift);
    reach = reach < s->entries ? reach : s->entries;
    for (c = 0; c < s->depth; c++) {
        const int32_t d = most - x[c];
        y[c] = d < reach ? finish(s->scaled[d], log) : INT8_MIN;
    }
}

void eq_log_softmax(const struct eq_log_softmax *layer, const int8_t *x, int8_t *y)
{
    int32_t r;
    for (r = 0; r < layer->rows; r++) {
        log_softmax_row(layer, x + r * layer->depth, y + r * layer->depth);
    }
}
