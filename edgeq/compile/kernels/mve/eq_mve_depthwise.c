#include "eq_mve_depthwise.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_lanes.h"
#include "eq_mve_products.h"

static inline struct eq_mve_products one_tap(const int8_t *x, const int8_t *w)
{
    return eq_mve_product(vldrbq_s8(x), vldrbq_s8(w));
}

/* Two taps. Sums take four of the eight vector registers: compilers run out of them, unless the
   second weights are loaded twice. */
static inline struct eq_mve_products two_taps(const int8_t *x0, const int8_t *x1, const int8_t *w)
{
    struct eq_mve_products r;
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
            : [x0] "r"(x0), [x1] "r"(x1), [w] "r"(w), "m"(*(const int8_t (*)[16])x0),
              "m"(*(const int8_t (*)[16])x1), "m"(*(const int8_t (*)[32])w));
    return r;
}

static inline int8x16_t make_3x3(const struct eq_mve_depthwise *d, const struct eq_mve_output *q,
                                 const struct eq_mve_rows *r, int32_t at, int32_t c)
{
    const int32_t tap = r->tap;
    const int8_t *const x0 = r->row[0] + at, *const x1 = r->row[1] + at;
    const int8_t *const x2 = r->row[2] + at, *const w = d->weights + 9 * c;
    struct eq_mve_lane_sums s = eq_mve_lane_start(q->bias + c);
    s = eq_mve_lane_add(s, two_taps(x0, x0 + tap, w));
    s = eq_mve_lane_add(s, two_taps(x0 + 2 * tap, x1, w + 32));
    s = eq_mve_lane_add(s, two_taps(x1 + tap, x1 + 2 * tap, w + 64));
    s = eq_mve_lane_add(s, two_taps(x2, x2 + tap, w + 96));
    s = eq_mve_lane_add(s, one_tap(x2 + 2 * tap, w + 128));
    return eq_mve_lane_finish(q, s, c);
}

static inline int8x16_t make_any(const struct eq_mve_depthwise *d, const struct eq_mve_output *q,
                                 const struct eq_mve_rows *r, int32_t at, int32_t c)
{
    const struct eq_window *g = &d->window;
    const int8_t *w = d->weights + g->kernel_h * g->kernel_w * c;
    struct eq_mve_lane_sums s = eq_mve_lane_start(q->bias + c);
    int32_t i, j;
    for (i = 0; i < g->kernel_h; i++) {
        const int8_t *x = r->row[i * g->dilation_h] + at;
        for (j = 0; j + 1 < g->kernel_w; j += 2) {
            s = eq_mve_lane_add(s, two_taps(x, x + r->tap, w));
            x += 2 * r->tap;
            w += 32;
        }
        if (j < g->kernel_w) {
            s = eq_mve_lane_add(s, one_tap(x, w));
            w += 16;
        }
    }
    return eq_mve_lane_finish(q, s, c);
}

static int is_3x3(const struct eq_window *g)
{
    return g->kernel_h == 3 && g->kernel_w == 3 && g->dilation_h == 1;
}

void eq_mve_depthwise(const struct eq_mve_depthwise *layer, const int8_t *x, int8_t *y,
                      int8_t *scratch)
{
    if (is_3x3(&layer->window)) {
        eq_mve_lanes(layer, x, y, scratch, make_3x3);
    } else {
        eq_mve_lanes(layer, x, y, scratch, make_any);
    }
}

void eq_mve_depthwise_block(const struct eq_mve_depthwise *block, const struct eq_mve_rows *rows,
                            int32_t c, int8_t *y)
{
    const struct eq_mve_output q = block->out;
    if (is_3x3(&block->window)) {
        eq_mve_lanes_block(block, &q, rows, 0, c, y, make_3x3);
    } else {
        eq_mve_lanes_block(block, &q, rows, 0, c, y, make_any);
    }
}
#endif
