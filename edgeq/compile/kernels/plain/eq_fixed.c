#include "eq_fixed.h"

int32_t eq_multiply(int32_t a, int32_t b)
{
    if (a == INT32_MIN && b == INT32_MIN) {
        return INT32_MAX;
    }
    return (int32_t)(((int64_t)a * b + ((int64_t)1 << 30)) >> 31);
}

int32_t eq_divide_by_power(int32_t a, int32_t power)
{
    const int32_t mask = (int32_t)(((int64_t)1 << power) - 1);
    return (a >> power) + ((a & mask) > (mask >> 1) + (a < 0));
}

int32_t eq_shift_left_saturating(int32_t a, int32_t power)
{
    const int64_t v = (int64_t)a * ((int64_t)1 << power);
    return v > INT32_MAX ? INT32_MAX : v < INT32_MIN ? INT32_MIN : (int32_t)v;
}

int32_t eq_reciprocal(int32_t a)
{
    const int64_t sum = (int64_t)a + INT32_MAX;
    const int32_t half = (int32_t)((sum + (sum < 0 ? -1 : 1)) / 2);
    int32_t x = 1515870810 + eq_multiply(half, -1010580540); /* 48/17 - 32/17 * half */
    int32_t i;
    for (i = 0; i < 3; i++) {
        const int32_t rest = ((int32_t)1 << 29) - eq_multiply(half, x);
        const int32_t step = eq_shift_left_saturating(eq_multiply(x, rest), 2);
        x = (int32_t)((uint32_t)x + (uint32_t)step); /* wraps where a is out of range */
    }
    return eq_shift_left_saturating(x, 1);
}
