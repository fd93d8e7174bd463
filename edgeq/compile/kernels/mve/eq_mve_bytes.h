/* Copies and fills of bytes, sixteen at a time. Each returns the end of what it wrote. */
#ifndef EQ_MVE_BYTES_H
#define EQ_MVE_BYTES_H

#include "eq_mve.h"

#if defined(__ARM_FEATURE_MVE)
static inline int8_t *copy_bytes(int8_t *to, const int8_t *from, int32_t count)
{
    int8_t *at = to;
    int32_t left;
    for (left = count; left > 0; left -= 16) {
        const mve_pred16_t p = vctp8q((uint32_t)left);
        vstrbq_p_s8(at, vldrbq_z_s8(from, p), p);
        from += 16;
        at += 16;
    }
    return to + count;
}

static inline int8_t *fill_bytes(int8_t *to, int8_t value, int32_t count)
{
    const int8x16_t v = vdupq_n_s8(value);
    int8_t *at = to;
    int32_t left;
    for (left = count; left > 0; left -= 16) {
        vstrbq_p_s8(at, v, vctp8q((uint32_t)left));
        at += 16;
    }
    return to + count;
}
#endif

#endif
