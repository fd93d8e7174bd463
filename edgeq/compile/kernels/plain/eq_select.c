#include "eq_select.h"

static int32_t offset(const int32_t *step, int32_t i, int32_t j, int32_t k)
{
    return i * step[0] + j * step[1] + k * step[2];
}

void eq_select(const struct eq_select *layer, const int8_t *c, const int8_t *a, const int8_t *b,
               int8_t *y)
{
    const struct eq_select *const s = layer;
    int32_t i, j, k, l;
    for (i = 0; i < s->size[0]; i++) {
        for (j = 0; j < s->size[1]; j++) {
            for (k = 0; k < s->size[2]; k++) {
                const int8_t *const p = c + offset(s->c_step, i, j, k);
                const int8_t *const q = a + offset(s->a_step, i, j, k);
                const int8_t *const r = b + offset(s->b_step, i, j, k);
                for (l = 0; l < s->size[3]; l++) {
                    *y++ = p[l * s->c_step[3]] ? q[l * s->a_step[3]] : r[l * s->b_step[3]];
                }
            }
        }
    }
}
