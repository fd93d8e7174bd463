/* Channels side by side in a vector: how the rows of a depthwise convolution are walked, whatever
   makes a vector of outputs from them. */
#ifndef EQ_MVE_LANES_H
#define EQ_MVE_LANES_H

#include "eq_mve_depthwise.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_lines.h"

/* Sixteen accumulators: lanes 0 4 8 12, 2 6 10 14, 1 5 9 13 and 3 7 11 15. */
struct sums {
    int32x4_t a, b, c, d;
};

/* Products of the even and of the odd lanes. */
struct products {
    int16x8_t even, odd;
};

/* The rows of taps of one row of outputs, and the bytes between two taps. */
struct rows {
    const int8_t *const *row;
    int32_t tap;
};

static inline struct products product(int8x16_t x, int8x16_t w)
{
    const struct products r = {vmullbq_int_s8(x, w), vmulltq_int_s8(x, w)};
    return r;
}

static inline struct sums add(struct sums s, struct products p)
{
    s.a = vaddq_s32(s.a, vmovlbq_s16(p.even));
    s.b = vaddq_s32(s.b, vmovltq_s16(p.even));
    s.c = vaddq_s32(s.c, vmovlbq_s16(p.odd));
    s.d = vaddq_s32(s.d, vmovltq_s16(p.odd));
    return s;
}

static inline struct sums start(const int32_t *bias)
{
    const struct sums s = {vldrwq_s32(bias), vldrwq_s32(bias + 4), vldrwq_s32(bias + 8),
                           vldrwq_s32(bias + 12)};
    return s;
}

/* The sixteen int8 of requantised sums, in the order of the lanes. */
static inline int8x16_t narrow(const struct eq_mve_output *q, struct sums s)
{
    int16x8_t even = vuninitializedq_s16(), odd = vuninitializedq_s16();
    int8x16_t v = vuninitializedq_s8();
    even = vqmovntq_s32(vqmovnbq_s32(even, s.a), s.b);
    odd = vqmovntq_s32(vqmovnbq_s32(odd, s.c), s.d);
    even = vqaddq_n_s16(even, q->zero);
    odd = vqaddq_n_s16(odd, q->zero);
    v = vqmovntq_s16(vqmovnbq_s16(v, even), odd);
    return vminq_s8(vmaxq_s8(v, vdupq_n_s8(q->min)), vdupq_n_s8(q->max));
}

/* The same of sums whose shifts are all to the right. */
static inline int8x16_t finish(const struct eq_mve_output *q, struct sums s, int32_t block)
{
    const int32_t *const m = q->multiplier + block;
    const int8_t *const e = q->shift + block;
    s.a = eq_mve_requantize(s.a, vldrwq_s32(m), vldrbq_s32(e));
    s.b = eq_mve_requantize(s.b, vldrwq_s32(m + 4), vldrbq_s32(e + 4));
    s.c = eq_mve_requantize(s.c, vldrwq_s32(m + 8), vldrbq_s32(e + 8));
    s.d = eq_mve_requantize(s.d, vldrwq_s32(m + 12), vldrbq_s32(e + 12));
    return narrow(q, s);
}

/* Makes sixteen bytes of outputs: those of the block that starts at byte `c` of a pixel, from what
   lies `at` bytes along the rows. */
typedef int8x16_t make_vector(const struct eq_mve_depthwise *d, const struct rows *r, int32_t at,
                              int32_t c);

/* One row of outputs. */
EQ_MVE_INLINE void lanes_row(const struct eq_mve_depthwise *d, const struct rows *r, int8_t *y,
                             make_vector *make)
{
    const struct eq_window *g = &d->window;
    const int32_t step = d->side_by_side ? 16 : 0;
    int32_t c, i;
    for (c = 0; c < g->out_c; c += 16) {
        int32_t left = d->side_by_side ? g->out_w * g->out_c : g->out_c - c;
        int32_t at = c;
        int8_t *to = y + c;
        for (i = 0; i < d->steps; i++) {
            vstrbq_p_s8(to, make(d, r, at, c), vctp8q((uint32_t)left));
            left -= step;
            at += d->x_step;
            to += d->y_step;
        }
    }
}

/* All rows of outputs; `scratch` holds the rows of a window, padded, and 16 bytes. */
EQ_MVE_INLINE void lanes(const struct eq_mve_depthwise *layer, const int8_t *x, int8_t *y,
                         int8_t *scratch, make_vector *make)
{
    const struct eq_mve_depthwise d = *layer; /* stores of bytes cannot change it */
    const struct eq_window *g = &d.window;
    int32_t n, oy;
    for (n = 0; n < g->batch; n++) {
        struct eq_mve_lines lines;
        eq_mve_open_lines(&lines, g, scratch);
        for (oy = 0; oy < g->out_h; oy++) {
            const struct rows rows = {lines.row, g->dilation_w * g->in_c};
            eq_mve_aim_lines(&lines, g, d.in_zero, x, oy);
            lanes_row(&d, &rows, y, make);
            y += g->out_w * g->out_c;
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}
#endif

#endif
