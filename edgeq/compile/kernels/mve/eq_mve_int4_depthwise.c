#include "eq_mve_int4_depthwise.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_lanes.h"
#include "eq_mve_products.h"

static inline struct eq_mve_products more(struct eq_mve_products p, int8x16_t x, int8x16_t w)
{
    const struct eq_mve_products r = eq_mve_product(x, w);
    p.even = vaddq_s16(p.even, r.even);
    p.odd = vaddq_s16(p.odd, r.odd);
    return p;
}

/* A row of taps. */
static inline struct eq_mve_products more_taps(struct eq_mve_products p, const int8_t *x,
                                               int32_t tap, const int8_t *w, int32_t width)
{
    int32_t j;
    for (j = 0; j + 1 < width; j += 2) {
        const int8x16_t two = vldrbq_s8(w);
        p = more(p, vldrbq_s8(x), vshrq_n_s8(vshlq_n_s8(two, 4), 4));
        p = more(p, vldrbq_s8(x + tap), vshrq_n_s8(two, 4));
        x += 2 * tap;
        w += 16;
    }
    return j < width ? more(p, vldrbq_s8(x), vshrq_n_s8(vldrbq_s8(w), 4)) : p;
}

/* The sixteen int8 of `s`. */
static inline int8x16_t finish_any(const struct eq_mve_output *q, struct eq_mve_lane_sums s,
                                   int32_t block)
{
    const int32_t *const m = q->multiplier + block;
    const int8_t *const e = q->shift + 2 * block, *const up = e + 16;
    s.a = eq_mve_requantize_any(s.a, vldrwq_s32(m), vldrbq_s32(e), vldrbq_s32(up));
    s.b = eq_mve_requantize_any(s.b, vldrwq_s32(m + 4), vldrbq_s32(e + 4), vldrbq_s32(up + 4));
    s.c = eq_mve_requantize_any(s.c, vldrwq_s32(m + 8), vldrbq_s32(e + 8), vldrbq_s32(up + 8));
    s.d = eq_mve_requantize_any(s.d, vldrwq_s32(m + 12), vldrbq_s32(e + 12), vldrbq_s32(up + 12));
    return eq_mve_narrow(q, s);
}

static inline int8x16_t make_3x3(const struct eq_mve_depthwise *d, const struct eq_mve_output *q,
                                 const struct eq_mve_rows *r, int32_t at, int32_t c)
{
    const int8_t *const w = d->weights + 6 * c;
    struct eq_mve_products p = {vdupq_n_s16(0), vdupq_n_s16(0)};
    p = more_taps(p, r->row[0] + at, r->tap, w, 3);
    p = more_taps(p, r->row[1] + at, r->tap, w + 32, 3);
    p = more_taps(p, r->row[2] + at, r->tap, w + 64, 3);
    return finish_any(q, eq_mve_lane_add(eq_mve_lane_start(q->bias + c), p), c);
}

static inline int8x16_t make_any(const struct eq_mve_depthwise *d, const struct eq_mve_output *q,
                                 const struct eq_mve_rows *r, int32_t at, int32_t c)
{
    const struct eq_window *g = &d->window;
    const int32_t pairs = (g->kernel_w + 1) / 2;
    const int8_t *w = d->weights + g->kernel_h * pairs * c;
    struct eq_mve_products p = {vdupq_n_s16(0), vdupq_n_s16(0)};
    int32_t i;
    for (i = 0; i < g->kernel_h; i++) {
        p = more_taps(p, r->row[i * g->dilation_h] + at, r->tap, w, g->kernel_w);
        w += 16 * pairs;
    }
    return finish_any(q, eq_mve_lane_add(eq_mve_lane_start(q->bias + c), p), c);
}

void eq_mve_int4_depthwise(const struct eq_mve_depthwise *layer, const int8_t *x, int8_t *y,
                           int8_t *scratch)
{
    const struct eq_window *g = &layer->window;
    if (g->kernel_h == 3 && g->kernel_w == 3 && g->dilation_h == 1) {
        eq_mve_lanes(layer, x, y, scratch, make_3x3);
    } else {
        eq_mve_lanes(layer, x, y, scratch, make_any);
    }
}
#endif
