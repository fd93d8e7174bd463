#include "eq_mve_dense.h"

#if defined(__ARM_FEATURE_MVE)

/* Four outputs. In asm, for not every compiler makes low-overhead loops with tail predication. */
static inline int32x4_t dot_1x4(const int8_t *x, const int8_t *w, int32_t depth,
                                const int32_t *bias)
{
    const int8_t *w1 = w + depth, *w2 = w1 + depth, *w3 = w2 + depth;
    int32_t a0 = bias[0], a1 = bias[1], a2 = bias[2], a3 = bias[3];
    int32x4_t acc = vuninitializedq_s32();
    int8x16_t u, v;
    __asm__("dlstp.8 lr, %[depth]\n"
            "1:\n\t"
            "vldrb.8 %q[u], [%[x]], #16\n\t"
            "vldrb.8 %q[v], [%[w]], #16\n\t"
            "vmladava.s8 %[a0], %q[u], %q[v]\n\t"
            "vldrb.8 %q[v], [%[w1]], #16\n\t"
            "vmladava.s8 %[a1], %q[u], %q[v]\n\t"
            "vldrb.8 %q[v], [%[w2]], #16\n\t"
            "vmladava.s8 %[a2], %q[u], %q[v]\n\t"
            "vldrb.8 %q[v], [%[w3]], #16\n\t"
            "vmladava.s8 %[a3], %q[u], %q[v]\n\t"
            "letp lr, 1b"
            : [a0] "+Te"(a0), [a1] "+Te"(a1), [a2] "+Te"(a2), [a3] "+Te"(a3), [x] "+r"(x),
              [w] "+r"(w), [w1] "+r"(w1), [w2] "+r"(w2), [w3] "+r"(w3), [u] "=&w"(u),
              [v] "=&w"(v)
            : [depth] "r"(depth)
            : "lr", "memory");
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
