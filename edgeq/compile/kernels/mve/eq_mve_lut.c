#include "eq_mve_lut.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve.h"

void eq_mve_lut(const struct eq_lut *layer, const int8_t *x, int8_t *y)
{
    const int8_t *const table = layer->table;
    int32_t left;
    for (left = layer->count; left > 0; left -= 16) {
        const mve_pred16_t p = vctp8q((uint32_t)left);
        const uint8x16_t at = vreinterpretq_u8_s8(vldrbq_z_s8(x, p));
        vstrbq_p_s8(y, vldrbq_gather_offset_z_s8(table, at, p), p);
        x += 16;
        y += 16;
    }
}
#endif
