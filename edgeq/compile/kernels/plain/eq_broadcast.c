#include "eq_broadcast.h"

void eq_broadcast(const struct eq_broadcast *loops, eq_row *row, const void *layer,
                  const int8_t *a, const int8_t *b, int8_t *y)
{
    const int32_t *const n = loops->size, *const p = loops->a_step, *const q = loops->b_step;
    int32_t i, j, k;
    for (i = 0; i < n[0]; i++) {
        for (j = 0; j < n[1]; j++) {
            for (k = 0; k < n[2]; k++) {
                row(layer, a + i * p[0] + j * p[1] + k * p[2], p[3],
                    b + i * q[0] + j * q[1] + k * q[2], q[3], y, n[3]);
                y += n[3];
            }
        }
    }
}
