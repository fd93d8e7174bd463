#include "eq_divide.h"

#include "eq_fixed.h"

/* a / b * multiplier * 2^(shift - 31), by a reciprocal in Q0. A shift to the right by more than 31
   leaves the sign, to which the rounding adds one: so do Arm's shifts in TFLite Micro. */
static int32_t quotient(int32_t a, int32_t b, int32_t multiplier, int32_t shift)
{
    const int32_t above = b < 0 ? -a : a;
    const uint32_t below = (uint32_t)(b < 0 ? -b : b);
    const int32_t zeros = below == 0 ? 32 : eq_leading_zeros(below);
    const uint32_t one = below == 0 ? 0 : below << zeros;
    const int32_t room = eq_leading_zeros((uint32_t)(above < 0 ? ~above : above) << 1 | 1u);
    const int32_t inverse = eq_reciprocal((int32_t)(one - 0x80000000u));
    const int32_t raised = (int32_t)((uint32_t)above << room);
    const int32_t v = eq_multiply(eq_multiply(raised, inverse), multiplier);
    const int32_t right = 31 - zeros + room - shift;
    return right > 31 ? (v < 0 ? -1 : 1) : eq_divide_by_power(v, right);
}

static void divide_row(const void *layer, const int8_t *a, int32_t a_step, const int8_t *b,
                       int32_t b_step, int8_t *y, int32_t count)
{
    const struct eq_divide *const p = layer;
    int32_t i;
    for (i = 0; i < count; i++) {
        const int32_t q = quotient(*a - p->a_zero, *b - p->b_zero, p->multiplier, p->shift);
        y[i] = (int8_t)eq_clamp(q + p->zero, p->min, p->max);
        a += a_step;
        b += b_step;
    }
}

void eq_divide(const struct eq_divide *layer, const int8_t *a, const int8_t *b, int8_t *y)
{
    eq_broadcast(&layer->loops, divide_row, layer, a, b, y);
}
