#include "eq_mve_binary.h"

#if defined(__ARM_FEATURE_MVE)

/* As eq_mve_requantize, with one multiplier and shift for all. */
static inline int32x4_t requantize(int32x4_t acc, int32_t multiplier, int32_t shift)
{
    acc = vqrdmulhq_n_s32(acc, multiplier);
    acc = vaddq_s32(acc, vshrq_n_s32(acc, 31));
    return vrshlq_n_s32(acc, shift);
}

static inline int32x4_t finish(const struct eq_result *r, int32x4_t acc)
{
    acc = vaddq_n_s32(requantize(acc, r->multiplier, r->shift), r->zero);
    return vminq_s32(vmaxq_s32(acc, vdupq_n_s32(r->min)), vdupq_n_s32(r->max));
}

typedef void row_function(const void *layer, const int8_t *a, const int8_t *b, int8_t *y,
                          int32_t count);

static void add_row(const void *layer, const int8_t *a, const int8_t *b, int8_t *y, int32_t count)
{
    const struct eq_mve_add s = *(const struct eq_mve_add *)layer;
    const int32x4_t plain = vdupq_n_s32(s.plain_factor), scaled = vdupq_n_s32(s.scaled_factor);
    for (; count > 0; count -= 4) {
        const mve_pred16_t p = vctp32q((uint32_t)count);
        int32x4_t v = vmlasq_n_s32(vldrbq_z_s32(a, p), plain, s.plain_offset);
        int32x4_t u = vmlasq_n_s32(vldrbq_z_s32(b, p), scaled, s.scaled_offset);
        u = requantize(u, s.multiplier, s.shift);
        v = vmlaq_n_s32(v, u, s.sign);
        vstrbq_p_s32(y, finish(&s.out, v), p);
        a += 4;
        b += 4;
        y += 4;
    }
}

static void mul_row(const void *layer, const int8_t *a, const int8_t *b, int8_t *y, int32_t count)
{
    const struct eq_mve_mul s = *(const struct eq_mve_mul *)layer;
    for (; count > 0; count -= 4) {
        const mve_pred16_t p = vctp32q((uint32_t)count);
        const int32x4_t v = vsubq_n_s32(vldrbq_z_s32(a, p), s.a_zero);
        const int32x4_t u = vsubq_n_s32(vldrbq_z_s32(b, p), s.b_zero);
        vstrbq_p_s32(y, finish(&s.out, vmulq_s32(v, u)), p);
        a += 4;
        b += 4;
        y += 4;
    }
}

static void broadcast(const struct eq_broadcast *l, row_function *row, const void *layer,
                      const int8_t *a, const int8_t *b, int8_t *y)
{
    int32_t i, j, k;
    for (i = 0; i < l->size[0]; i++) {
        for (j = 0; j < l->size[1]; j++) {
            for (k = 0; k < l->size[2]; k++) {
                row(layer, a + i * l->a_step[0] + j * l->a_step[1] + k * l->a_step[2],
                    b + i * l->b_step[0] + j * l->b_step[1] + k * l->b_step[2], y, l->size[3]);
                y += l->size[3];
            }
        }
    }
}

void eq_mve_add(const struct eq_mve_add *layer, const int8_t *plain, const int8_t *scaled,
                int8_t *y)
{
    broadcast(&layer->loops, add_row, layer, plain, scaled, y);
}

void eq_mve_mul(const struct eq_mve_mul *layer, const int8_t *a, const int8_t *b, int8_t *y)
{
    broadcast(&layer->loops, mul_row, layer, a, b, y);
}
#endif
