#include "eq_mve_move.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_bytes.h"

void eq_mve_move(const struct eq_copy *layer, const int8_t *x, int8_t *y)
{
    const struct eq_copy *const s = layer;
    const int32_t *const f = s->from_step, *const t = s->to_step;
    int32_t i, j, k, l;
    x += s->from;
    y += s->to;
    for (i = 0; i < s->size[0]; i++) {
        for (j = 0; j < s->size[1]; j++) {
            for (k = 0; k < s->size[2]; k++) {
                for (l = 0; l < s->size[3]; l++) {
                    copy_bytes(y + i * t[0] + j * t[1] + k * t[2] + l * t[3],
                               x + i * f[0] + j * f[1] + k * f[2] + l * f[3], s->size[4]);
                }
            }
        }
    }
}

void eq_mve_fill(const struct eq_fill *layer, int8_t *y)
{
    fill_bytes(y, layer->value, layer->count);
}
#endif
