#include "eq_mve_dense.h"

#if defined(__ARM_FEATURE_MVE)

/* Four outputs. */
static inline int32x4_t dot_1x4(const int8_t *x, const int8_t *w, int32_t depth,
                                const int32_t *bias)
{
    const int8_t *w1 = w + depth, *w2 = w1 + depth, *w3 = w2 + depth;
    int32_t a0 = bias[0], a1 = bias[1], a2 = bias[2], a3 = bias[3];
    int32x4_t acc = vuninitializedq_s32();
    int32_t left = depth;
    do {
        const mve_pred16_t p = vctp8q((uint32_t)left);
        const int8x16_t v = vldrbq_z_s8(x, p);
        a0 = vmladavaq_p_s8(a0, v, vldrbq_z_s8(w, p), p);
        a1 = vmladavaq_p_s8(a1, v, vldrbq_z_s8(w1, p), p);
        a2 = vmladavaq_p_s8(a2, v, vldrbq_z_s8(w2, p), p);
        a3 = vmladavaq_p_s8(a3, v, vldrbq_z_s8(w3, p), p);
        x += 16;
        w += 16;
        w1 += 16;
        w2 += 16;
        w3 += 16;
        left -= 16;
    } while (left > 0);
    acc = vsetq_lane_s32(a2, vsetq_lane_s32(a0, acc, 0), 2);
    return vsetq_lane_s32(a3, vsetq_lane_s32(a1, acc, 1), 3);
}

/* The last four outputs overlap those before them where their number is no multiple of four. */
void eq_mve_dense(const struct eq_mve_dense *layer, const int8_t *x, int8_t *y)
{
    const struct eq_mve_dense m = *layer;
    const struct eq_mve_output q = m.out;
    int32_t i;
    for (i = 0; i < m.outputs; i += 4) {
        const int32_t o = i + 4 <= m.outputs ? i : m.outputs - 4;
        const int32x4_t acc = dot_1x4(x, m.weights + o * m.depth, m.depth, q.bias + o);
        const int32x4_t scale = vldrwq_s32(q.multiplier + (o & q.mask));
        const int32x4_t shift = vldrbq_s32(q.shift + (o & q.mask));
        vstrbq_s32(y + o, eq_mve_finish(&q, acc, scale, shift));
    }
}
#endif
