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

static inline struct products one_tap(const int8_t *x, const int8_t *w)
{
    const int8x16_t v = vldrbq_s8(x), u = vldrbq_s8(w);
    const struct products r = {vmullbq_int_s8(v, u), vmulltq_int_s8(v, u)};
    return r;
}

/* Two taps. Sums take four of the eight vector registers: compilers run out of them, unless the
   second weights are loaded twice. */
static inline struct products two_taps(const int8_t *x0, const int8_t *x1, const int8_t *w)
{
    struct products r;
    int8x16_t v, u;
    __asm__("vldrb.8 %q[v], [%[x0]]\n\t"
            "vldrb.8 %q[u], [%[w]]\n\t"
            "vmullb.s8 %q[even], %q[v], %q[u]\n\t"
            "vmullt.s8 %q[odd], %q[v], %q[u]\n\t"
            "vldrb.8 %q[v], [%[x1]]\n\t"
            "vldrb.8 %q[u], [%[w], #16]\n\t"
            "vmullt.s8 %q[u], %q[v], %q[u]\n\t"
            "vadd.i16 %q[odd], %q[odd], %q[u]\n\t"
            "vldrb.8 %q[u], [%[w], #16]\n\t"
            "vmullb.s8 %q[v], %q[v], %q[u]\n\t"
            "vadd.i16 %q[even], %q[even], %q[v]"
            : [even] "=&w"(r.even), [odd] "=&w"(r.odd), [v] "=&w"(v), [u] "=&w"(u)
            : [x0] "r"(x0), [x1] "r"(x1), [w] "r"(w), "m"(*(const int8_t(*)[16])x0),
              "m"(*(const int8_t(*)[16])x1), "m"(*(const int8_t(*)[32])w));
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

/* The sixteen int8 of `s`, in the order of the lanes. */
static inline int8x16_t finish(const struct eq_mve_output *q, struct sums s, int32_t block)
{
    const int32_t *const m = q->multiplier + block;
    const int8_t *const e = q->shift + block;
    int16x8_t even = vuninitializedq_s16(), odd = vuninitializedq_s16();
    int8x16_t v = vuninitializedq_s8();
    s.a = eq_mve_requantize(s.a, vldrwq_s32(m), vldrbq_s32(e));
    s.b = eq_mve_requantize(s.b, vldrwq_s32(m + 4), vldrbq_s32(e + 4));
    s.c = eq_mve_requantize(s.c, vldrwq_s32(m + 8), vldrbq_s32(e + 8));
    s.d = eq_mve_requantize(s.d, vldrwq_s32(m + 12), vldrbq_s32(e + 12));
    even = vqmovntq_s32(vqmovnbq_s32(even, s.a), s.b);
    odd = vqmovntq_s32(vqmovnbq_s32(odd, s.c), s.d);
    even = vqaddq_n_s16(even, q->zero);
    odd = vqaddq_n_s16(odd, q->zero);
    v = vqmovntq_s16(vqmovnbq_s16(v, even), odd);
    return vminq_s8(vmaxq_s8(v, vdupq_n_s8(q->min)), vdupq_n_s8(q->max));
}

/* The rows of taps of one row of outputs, and the bytes between two taps. */
struct rows {
    const int8_t *const *row;
    int32_t tap;
};

static inline struct sums sum_3x3(const struct rows *r, int32_t at, const int8_t *w,
                                  struct sums s)
{
    const int32_t c = r->tap;
    const int8_t *const x0 = r->row[0] + at, *const x1 = r->row[1] + at;
    const int8_t *const x2 = r->row[2] + at;
    s = add(s, two_taps(x0, x0 + c, w));
    s = add(s, two_taps(x0 + 2 * c, x1, w + 32));
    s = add(s, two_taps(x1 + c, x1 + 2 * c, w + 64));
    s = add(s, two_taps(x2, x2 + c, w + 96));
    return add(s, one_tap(x2 + 2 * c, w + 128));
}

static inline struct sums sum_any(const struct eq_window *g, const struct rows *r, int32_t at,
                                  const int8_t *w, struct sums s)
{
    int32_t i, j;
    for (i = 0; i < g->kernel_h; i++) {
        const int8_t *x = r->row[i * g->dilation_h] + at;
        for (j = 0; j + 1 < g->kernel_w; j += 2) {
            s = add(s, two_taps(x, x + r->tap, w));
            x += 2 * r->tap;
            w += 32;
        }
        if (j < g->kernel_w) {
            s = add(s, one_tap(x, w));
            w += 16;
        }
    }
    return s;
}

/* One row of outputs. */
static inline void depthwise_row(const struct eq_mve_depthwise *d, const struct rows *r, int8_t *y,
                                 int is_3x3)
{
    const struct eq_window *g = &d->window;
    const struct eq_mve_output q = d->out;
    const int32_t taps = g->kernel_h * g->kernel_w;
    const int32_t step = d->side_by_side ? 16 : 0;
    int32_t c, i;
    for (c = 0; c < g->out_c; c += 16) {
        const int8_t *const w = d->weights + c * taps;
        int32_t left = d->side_by_side ? g->out_w * g->out_c : g->out_c - c;
        int32_t at = c;
        int8_t *to = y + c;
        for (i = 0; i < d->steps; i++) {
            const struct sums bias = start(q.bias + c);
            const struct sums s = is_3x3 ? sum_3x3(r, at, w, bias) : sum_any(g, r, at, w, bias);
            vstrbq_p_s8(to, finish(&q, s, c), vctp8q((uint32_t)left));
            left -= step;
            at += d->x_step;
            to += d->y_step;
        }
    }
}

void eq_mve_depthwise(const struct eq_mve_depthwise *layer, const int8_t *x, int8_t *y,
                      int8_t *scratch)
{
    const struct eq_window *g = &layer->window;
    const int is_3x3 = g->kernel_h == 3 && g->kernel_w == 3 && g->dilation_h == 1;
    int32_t n, oy;
    for (n = 0; n < g->batch; n++) {
        struct eq_mve_lines lines;
        eq_mve_open_lines(&lines, g, scratch);
        for (oy = 0; oy < g->out_h; oy++) {
            const struct rows rows = {lines.row, g->dilation_w * g->in_c};
            eq_mve_aim_lines(&lines, g, layer->in_zero, x, oy);
            if (is_3x3) {
                depthwise_row(layer, &rows, y, 1);
            } else {
                depthwise_row(layer, &rows, y, 0);
            }
            y += g->out_w * g->out_c;
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}
#endif
