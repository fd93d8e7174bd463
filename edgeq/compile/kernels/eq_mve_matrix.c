#include "eq_mve_matrix.h"

#if defined(__ARM_FEATURE_MVE)

/* One row by the outputs w[0..3]. */
static inline int32x4_t dot_1x4(const int8_t *x, const int8_t *w, int32_t depth,
                                const int32_t *bias)
{
    const int8_t *w1 = w + depth, *w2 = w1 + depth, *w3 = w2 + depth;
    int32_t a0 = bias[0], a1 = bias[1], a2 = bias[2], a3 = bias[3];
    int32x4_t acc = vuninitializedq_s32();
    int32_t left;
    for (left = depth; left > 0; left -= 16) {
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
    }
    acc = vsetq_lane_s32(a0, acc, 0);
    acc = vsetq_lane_s32(a2, acc, 2);
    acc = vsetq_lane_s32(a1, acc, 1);
    return vsetq_lane_s32(a3, acc, 3);
}

/* Two rows by the outputs w[0] and w[2]: lanes 0 and 2, or with lane = 1 lanes 1 and 3. */
static inline void dot_2x2(const int8_t *x0, const int8_t *x1, const int8_t *w, int32_t depth,
                           const int32_t *bias, int32_t *a)
{
    const int8_t *v = w + 2 * depth;
    int32_t a00 = bias[0], a01 = bias[2], a10 = a00, a11 = a01;
    int32_t left;
    for (left = depth; left > 0; left -= 16) {
        const mve_pred16_t p = vctp8q((uint32_t)left);
        const int8x16_t r0 = vldrbq_z_s8(x0, p), r1 = vldrbq_z_s8(x1, p);
        const int8x16_t c0 = vldrbq_z_s8(w, p), c1 = vldrbq_z_s8(v, p);
        a00 = vmladavaq_p_s8(a00, r0, c0, p);
        a10 = vmladavaq_p_s8(a10, r1, c0, p);
        a01 = vmladavaq_p_s8(a01, r0, c1, p);
        a11 = vmladavaq_p_s8(a11, r1, c1, p);
        x0 += 16;
        x1 += 16;
        w += 16;
        v += 16;
    }
    a[0] = a00;
    a[1] = a01;
    a[2] = a10;
    a[3] = a11;
}

/* The last four outputs overlap those before them where their number is no multiple of four. */
static inline int32_t first_of_four(int32_t o, int32_t outputs)
{
    return o + 4 <= outputs ? o : outputs - 4;
}

void eq_mve_row(const struct eq_mve_matrix *m, const int8_t *x, int8_t *y)
{
    const struct eq_mve_output q = *m->out;
    int32_t i;
    for (i = 0; i < m->outputs; i += 4) {
        const int32_t o = first_of_four(i, m->outputs);
        const int32x4_t acc = dot_1x4(x, m->weights + o * m->depth, m->depth, q.bias + o);
        const int32x4_t scale = vldrwq_s32(q.multiplier + (o & q.mask));
        const int32x4_t shift = vldrbq_s32(q.shift + (o & q.mask));
        vstrbq_s32(y + o, eq_mve_finish(&q, acc, scale, shift));
    }
}

void eq_mve_rows(const struct eq_mve_matrix *m, const int8_t *x0, const int8_t *x1, int8_t *y0,
                 int8_t *y1)
{
    const struct eq_mve_output q = *m->out;
    const int32_t depth = m->depth;
    int32_t i;
    for (i = 0; i < m->outputs; i += 4) {
        const int32_t o = first_of_four(i, m->outputs);
        const int8_t *const w = m->weights + o * depth;
        const int32x4_t scale = vldrwq_s32(q.multiplier + (o & q.mask));
        const int32x4_t shift = vldrbq_s32(q.shift + (o & q.mask));
        int32x4_t r0 = vuninitializedq_s32(), r1 = vuninitializedq_s32();
        int32_t a[4];
        dot_2x2(x0, x1, w, depth, q.bias + o, a);
        r0 = vsetq_lane_s32(a[1], vsetq_lane_s32(a[0], r0, 0), 2);
        r1 = vsetq_lane_s32(a[3], vsetq_lane_s32(a[2], r1, 0), 2);
        dot_2x2(x0, x1, w + depth, depth, q.bias + o + 1, a);
        r0 = vsetq_lane_s32(a[1], vsetq_lane_s32(a[0], r0, 1), 3);
        r1 = vsetq_lane_s32(a[3], vsetq_lane_s32(a[2], r1, 1), 3);
        vstrbq_s32(y0 + o, eq_mve_finish(&q, r0, scale, shift));
        vstrbq_s32(y1 + o, eq_mve_finish(&q, r1, scale, shift));
    }
}
#endif
