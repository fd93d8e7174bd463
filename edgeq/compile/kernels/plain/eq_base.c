#include "eq_base.h"

/* Any accumulator and any shift: `shift` is TFLite's (positive = left) minus 32. */
int32_t eq_requantize_wide(int32_t acc, int32_t multiplier, int32_t shift)
{
    const int32_t power = shift + 32;
    const int32_t left = power > 0 ? power : 0;
    const int32_t right = left - power;
    const int32_t scaled = (int32_t)((uint32_t)acc << left);
    const int64_t product = (int64_t)scaled * multiplier + ((int64_t)1 << 30);
    const int64_t r = product >> 31;
    const int64_t half = ((int64_t)1 << right) >> 1;
    return (int32_t)((r + half - (r < 0 && right > 0)) >> right);
}
