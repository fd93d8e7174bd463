/* What the kernels of int16 share: sums of eight products an instruction, and their output
   stage. */
#ifndef EQ_MVE_HALVES_H
#define EQ_MVE_HALVES_H

#include "eq_mve.h"

#if defined(__ARM_FEATURE_MVE)

/* Sums of two rows by two outputs. */
struct eq_mve_half_sums {
    int32_t a0, a2, b0, b2;
};

/* In asm, for not every compiler makes low-overhead loops with tail predication; each load has a
   product beside it. */
static inline struct eq_mve_half_sums eq_mve_half_dot(const int16_t *a, const int16_t *b,
                                                      const int8_t **weights, int32_t depth)
{
    struct eq_mve_half_sums s = {0, 0, 0, 0};
    int16x8_t u, v, w;
    __asm__("dlstp.16 lr, %[depth]\n"
            "1:\n\t"
            "vldrh.16 %q[u], [%[a]], #16\n\t"
            "vldrb.s16 %q[w], [%[weights]], #8\n\t"
            "vmladava.s16 %[a0], %q[u], %q[w]\n\t"
            "vldrh.16 %q[v], [%[b]], #16\n\t"
            "vmladava.s16 %[b0], %q[v], %q[w]\n\t"
            "vldrb.s16 %q[w], [%[weights]], #8\n\t"
            "vmladava.s16 %[a2], %q[u], %q[w]\n\t"
            "vmladava.s16 %[b2], %q[v], %q[w]\n\t"
            "letp lr, 1b"
            : [a0] "+Te"(s.a0), [a2] "+Te"(s.a2), [b0] "+Te"(s.b0), [b2] "+Te"(s.b2), [a] "+r"(a),
              [b] "+r"(b), [weights] "+l"(*weights), [u] "=&w"(u), [v] "=&w"(v), [w] "=&w"(w)
            : [depth] "r"(depth)
            : "lr", "memory");
    return s;
}

/* Four int16 of four sums, whose parameters are at `m` and `shift`, and `behind` it. */
static inline int32x4_t eq_mve_half_finish(const struct eq_mve_output *q, int32x4_t acc,
                                           const int32_t *m, const int8_t *shift, int32_t behind)
{
    const int32x4_t multiplier = vldrwq_s32(m), lift = vldrbq_s32(shift + behind);
    if (q->wide) {
        acc = vrmulhq_s32(vshlq_s32(acc, lift), multiplier);
    } else {
        acc = eq_mve_requantize_any(acc, multiplier, vldrbq_s32(shift), lift);
    }
    return vminq_s32(vmaxq_s32(acc, vdupq_n_s32(q->min)), vdupq_n_s32(q->max));
}
#endif

#endif
