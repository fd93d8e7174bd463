/* Rows by a matrix, two rows and four outputs at a time: one body for weights of a byte each and
   for `packed` ones, whose products are sixteenfold until the sums are finished. */
#ifndef EQ_MVE_TILES_H
#define EQ_MVE_TILES_H

#include "eq_mve_matrix.h"

#if defined(__ARM_FEATURE_MVE)

/* Sums of two rows by two outputs. */
struct eq_mve_sums {
    int32_t a0, a2, b0, b2;
};

/* Two rows, the first of them in a, by four outputs. */
struct eq_mve_tile {
    int32x4_t a, b;
};

/* Sixteen weights of two outputs. */
struct eq_mve_weights {
    int8x16_t w0, w2;
};

static inline struct eq_mve_tile eq_mve_pack(struct eq_mve_sums even, struct eq_mve_sums odd)
{
    struct eq_mve_tile t = {vuninitializedq_s32(), vuninitializedq_s32()};
    t.a = vsetq_lane_s32(even.a2, vsetq_lane_s32(even.a0, t.a, 0), 2);
    t.a = vsetq_lane_s32(odd.a2, vsetq_lane_s32(odd.a0, t.a, 1), 3);
    t.b = vsetq_lane_s32(even.b2, vsetq_lane_s32(even.b0, t.b, 0), 2);
    t.b = vsetq_lane_s32(odd.b2, vsetq_lane_s32(odd.b0, t.b, 1), 3);
    return t;
}

static inline struct eq_mve_tile eq_mve_add_bias(struct eq_mve_tile t, const int32_t *bias)
{
    const int32x4_t v = vldrwq_s32(bias);
    t.a = vaddq_s32(t.a, v);
    t.b = vaddq_s32(t.b, v);
    return t;
}

/* The bias at bias[0] and bias[2] is of outputs 0 and 2. In asm, for not every compiler makes
   low-overhead loops with tail predication; each load has a product beside it. */
static inline struct eq_mve_sums eq_mve_dot_bytes(const int8_t *a, const int8_t *b,
                                                  const int8_t **weights, int32_t depth,
                                                  const int32_t *bias)
{
    struct eq_mve_sums s = {bias[0], bias[2], bias[0], bias[2]};
    int8x16_t u, v, w;
    __asm__("dlstp.8 lr, %[depth]\n"
            "1:\n\t"
            "vldrb.8 %q[u], [%[a]], #16\n\t"
            "vldrb.8 %q[w], [%[weights]], #16\n\t"
            "vmladava.s8 %[a0], %q[u], %q[w]\n\t"
            "vldrb.8 %q[v], [%[b]], #16\n\t"
            "vmladava.s8 %[b0], %q[v], %q[w]\n\t"
            "vldrb.8 %q[w], [%[weights]], #16\n\t"
            "vmladava.s8 %[a2], %q[u], %q[w]\n\t"
            "vmladava.s8 %[b2], %q[v], %q[w]\n\t"
            "letp lr, 1b"
            : [a0] "+Te"(s.a0), [a2] "+Te"(s.a2), [b0] "+Te"(s.b0), [b2] "+Te"(s.b2), [a] "+r"(a),
              [b] "+r"(b), [weights] "+r"(*weights), [u] "=&w"(u), [v] "=&w"(v), [w] "=&w"(w)
            : [depth] "r"(depth)
            : "lr", "memory");
    return s;
}

/* The same for packed weights. */
static inline struct eq_mve_sums eq_mve_dot_packed(const int8_t *a, const int8_t *b,
                                                   const int8_t **weights, int32_t depth,
                                                   const int32_t *bias)
{
    const int8x16_t upper = vdupq_n_s8(-16);
    struct eq_mve_sums s = {bias[0], bias[2], bias[0], bias[2]};
    int8x16_t u, v, w, lower;
    __asm__("dlstp.8 lr, %[depth]\n"
            "1:\n\t"
            "vldrb.8 %q[w], [%[weights]], #16\n\t"
            "vldrb.8 %q[u], [%[a]], #16\n\t"
            "vshl.i8 %q[lower], %q[w], #4\n\t"
            "vmladava.s8 %[a0], %q[u], %q[lower]\n\t"
            "vldrb.8 %q[v], [%[b]], #16\n\t"
            "vmladava.s8 %[b0], %q[v], %q[lower]\n\t"
            "vand %q[w], %q[w], %q[upper]\n\t"
            "vmladava.s8 %[a2], %q[u], %q[w]\n\t"
            "vmladava.s8 %[b2], %q[v], %q[w]\n\t"
            "letp lr, 1b"
            : [a0] "+Te"(s.a0), [a2] "+Te"(s.a2), [b0] "+Te"(s.b0), [b2] "+Te"(s.b2), [a] "+r"(a),
              [b] "+r"(b), [weights] "+r"(*weights), [u] "=&w"(u), [v] "=&w"(v), [w] "=&w"(w),
              [lower] "=&w"(lower)
            : [depth] "r"(depth), [upper] "w"(upper)
            : "lr", "memory");
    return s;
}

static inline struct eq_mve_weights eq_mve_load(const int8_t *from, int packed)
{
    const int8x16_t w = vldrbq_s8(from);
    struct eq_mve_weights r = {vshlq_n_s8(w, 4), vandq_s8(w, vdupq_n_s8(-16))};
    if (!packed) {
        r.w0 = w;
        r.w2 = vldrbq_s8(from + 16);
    }
    return r;
}

/* The same for at most 16 products, without a bias. */
static inline struct eq_mve_sums eq_mve_dot_16(int8x16_t a, int8x16_t b, struct eq_mve_weights w)
{
    const struct eq_mve_sums s = {vmladavq_s8(a, w.w0), vmladavq_s8(a, w.w2), vmladavq_s8(b, w.w0),
                                  vmladavq_s8(b, w.w2)};
    return s;
}

/* And for at most 32. */
static inline struct eq_mve_sums eq_mve_dot_32(const int8x16_t *a, const int8x16_t *b,
                                               const int8_t *from, int packed)
{
    const struct eq_mve_weights w = eq_mve_load(from + (packed ? 16 : 32), packed);
    struct eq_mve_sums s = eq_mve_dot_16(a[0], b[0], eq_mve_load(from, packed));
    s.a0 = vmladavaq_s8(s.a0, a[1], w.w0);
    s.b0 = vmladavaq_s8(s.b0, b[1], w.w0);
    s.a2 = vmladavaq_s8(s.a2, a[1], w.w2);
    s.b2 = vmladavaq_s8(s.b2, b[1], w.w2);
    return s;
}

/* The int8 of a tile; with packed weights its shifts to the left lie behind those to the right. */
static inline struct eq_mve_tile eq_mve_finish_tile(const struct eq_mve_output *q,
                                                    struct eq_mve_tile t, const int32_t *multiplier,
                                                    const int8_t *shift, int packed)
{
    const int32x4_t m = vldrwq_s32(multiplier), s = vldrbq_s32(shift);
    if (packed) {
        const int32x4_t lift = vldrbq_s32(shift + 4);
        t.a = eq_mve_clamp(q, eq_mve_requantize_any(t.a, m, s, lift));
        t.b = eq_mve_clamp(q, eq_mve_requantize_any(t.b, m, s, lift));
    } else {
        t.a = eq_mve_finish(q, t.a, m, s);
        t.b = eq_mve_finish(q, t.b, m, s);
    }
    return t;
}

/* Two rows by all outputs, for a depth of so many blocks of 16, nought for any. */
static inline void eq_mve_multiply_pair(const struct eq_mve_matrix *m, const int8_t *a,
                                        const int8_t *b, int8_t *ya, int8_t *yb, int blocks,
                                        int packed)
{
    const struct eq_mve_output q = m->out;
    const int32_t step = q.mask & 4, depth = m->depth, pair = packed ? 16 : 32;
    const int32_t *bias = q.bias, *multiplier = q.multiplier;
    const int8_t *shift = q.shift, *w = m->weights;
    int8x16_t u[2], v[2];
    int32_t left;
    if (blocks != 0) {
        const mve_pred16_t p = vctp8q((uint32_t)(depth - 16 * (blocks - 1)));
        u[0] = blocks == 1 ? vldrbq_z_s8(a, p) : vldrbq_s8(a);
        v[0] = blocks == 1 ? vldrbq_z_s8(b, p) : vldrbq_s8(b);
        u[1] = blocks == 1 ? u[0] : vldrbq_z_s8(a + 16, p);
        v[1] = blocks == 1 ? v[0] : vldrbq_z_s8(b + 16, p);
    }
    for (left = m->made; left > 0; left -= 4) {
        const mve_pred16_t p = vctp32q((uint32_t)left);
        struct eq_mve_tile t;
        if (blocks == 1) {
            t = eq_mve_add_bias(
                eq_mve_pack(eq_mve_dot_16(u[0], v[0], eq_mve_load(w, packed)),
                            eq_mve_dot_16(u[0], v[0], eq_mve_load(w + pair, packed))),
                bias);
            w += 2 * pair;
        } else if (blocks == 2) {
            t = eq_mve_add_bias(eq_mve_pack(eq_mve_dot_32(u, v, w, packed),
                                            eq_mve_dot_32(u, v, w + 2 * pair, packed)),
                                bias);
            w += 4 * pair;
        } else if (packed) {
            const struct eq_mve_sums even = eq_mve_dot_packed(a, b, &w, depth, bias);
            t = eq_mve_pack(even, eq_mve_dot_packed(a, b, &w, depth, bias + 1));
        } else {
            const struct eq_mve_sums even = eq_mve_dot_bytes(a, b, &w, depth, bias);
            t = eq_mve_pack(even, eq_mve_dot_bytes(a, b, &w, depth, bias + 1));
        }
        t = eq_mve_finish_tile(&q, t, multiplier, shift, packed);
        vstrbq_p_s32(ya, t.a, p);
        vstrbq_p_s32(yb, t.b, p);
        bias += 4;
        multiplier += step;
        shift += packed ? 2 * step : step;
        ya += 4;
        yb += 4;
    }
}

static inline void eq_mve_multiply_blocks(const struct eq_mve_matrix *m, const int8_t *x,
                                          int32_t step, int32_t rows, int8_t *y, int blocks,
                                          int packed)
{
    const struct eq_mve_matrix copy = *m; /* stores of bytes cannot change it */
    int32_t r;
    for (r = 0; r < rows; r += 2) {
        const int32_t next = r + 1 < rows;
        eq_mve_multiply_pair(&copy, x, x + next * step, y, y + next * copy.outputs, blocks, packed);
        x += 2 * step;
        y += 2 * copy.outputs;
    }
}

static inline void eq_mve_multiply_tiles(const struct eq_mve_matrix *m, const int8_t *x,
                                         int32_t step, int32_t rows, int8_t *y, int packed)
{
    if (m->depth <= 16) {
        eq_mve_multiply_blocks(m, x, step, rows, y, 1, packed);
    } else if (m->depth <= 32) {
        eq_mve_multiply_blocks(m, x, step, rows, y, 2, packed);
    } else {
        eq_mve_multiply_blocks(m, x, step, rows, y, 0, packed);
    }
}
#endif

#endif
