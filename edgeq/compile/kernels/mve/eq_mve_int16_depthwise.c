#include "eq_mve_int16.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_halves.h"
#include "eq_mve_lanes.h"

/* Eight accumulators: lanes 0 2 4 6 and 1 3 5 7. */
struct half_lanes {
    int32x4_t even, odd;
};

static inline struct half_lanes add_tap(struct half_lanes s, const int8_t *x, const int8_t *w)
{
    const int16x8_t v = vldrhq_s16((const void *)x), u = vldrbq_s16(w);
    s.even = vaddq_s32(s.even, vmullbq_int_s16(v, u));
    s.odd = vaddq_s32(s.odd, vmulltq_int_s16(v, u));
    return s;
}

static inline struct half_lanes add_taps(struct half_lanes s, const int8_t *x, int32_t tap,
                                         const int8_t *w, int32_t width)
{
    int32_t j;
    for (j = 0; j < width; j++) {
        s = add_tap(s, x, w);
        x += tap;
        w += 8;
    }
    return s;
}

static inline struct half_lanes start(const int32_t *bias)
{
    const struct half_lanes s = {vldrwq_s32(bias), vldrwq_s32(bias + 4)};
    return s;
}

/* The eight int16 of `s`, as bytes in the order of the lanes. */
static inline int8x16_t finish_lanes(const struct eq_mve_output *q, struct half_lanes s,
                                     int32_t block)
{
    const int32_t *const m = q->multiplier + block;
    const int8_t *const shift = q->shift + 2 * block;
    const int16x8_t v = vreinterpretq_s16_s32(eq_mve_half_finish(q, s.even, m, shift, 8));
    const int32x4_t odd = eq_mve_half_finish(q, s.odd, m + 4, shift + 4, 8);
    return vreinterpretq_s8_s16(vmovntq_s32(v, odd));
}

static inline int8x16_t make_3x3(const struct eq_mve_depthwise *d, const struct eq_mve_output *q,
                                 const struct eq_mve_rows *r, int32_t at, int32_t c)
{
    const int8_t *const w = d->weights + 9 * c / 2;
    struct half_lanes s = start(q->bias + c / 2);
    int32_t i;
    for (i = 0; i < 3; i++) {
        const int8_t *const x = r->row[i] + at;
        s = add_tap(s, x, w + 24 * i);
        s = add_tap(s, x + r->tap, w + 24 * i + 8);
        s = add_tap(s, x + 2 * r->tap, w + 24 * i + 16);
    }
    return finish_lanes(q, s, c / 2);
}

static inline int8x16_t make_any(const struct eq_mve_depthwise *d, const struct eq_mve_output *q,
                                 const struct eq_mve_rows *r, int32_t at, int32_t c)
{
    const struct eq_window *g = &d->window;
    const int8_t *w = d->weights + g->kernel_h * g->kernel_w * c / 2;
    struct half_lanes s = start(q->bias + c / 2);
    int32_t i;
    for (i = 0; i < g->kernel_h; i++) {
        s = add_taps(s, r->row[i * g->dilation_h] + at, r->tap, w, g->kernel_w);
        w += 8 * g->kernel_w;
    }
    return finish_lanes(q, s, c / 2);
}

void eq_mve_int16_depthwise(const struct eq_mve_depthwise *layer, const int16_t *x, int16_t *y,
                            int8_t *scratch)
{
    const struct eq_window *g = &layer->window;
    if (g->kernel_h == 3 && g->kernel_w == 3 && g->dilation_h == 1) {
        eq_mve_lanes(layer, (const void *)x, (void *)y, scratch, make_3x3);
    } else {
        eq_mve_lanes(layer, (const void *)x, (void *)y, scratch, make_any);
    }
}
#endif
