#include "eq_mve_tiles.h"

#if defined(__ARM_FEATURE_MVE)
void eq_mve_multiply(const struct eq_mve_matrix *m, const int8_t *x, int32_t step, int32_t rows,
                     int8_t *y)
{
    eq_mve_multiply_tiles(m, x, step, rows, y, 0);
}
#endif
