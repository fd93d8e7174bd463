#include "eq_mve_pool.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve.h"
#include "eq_patch.h"

static inline int32x4_t sum(const struct eq_patch *p, int32_t c, mve_pred16_t lanes)
{
    int32x4_t acc = vdupq_n_s32(0);
    int32_t row, column;
    for (row = 0; row < p->rows; row++) {
        const int8_t *v = p->x + row * p->row_bytes + c;
        for (column = 0; column < p->columns; column++) {
            acc = vaddq_s32(acc, vldrbq_z_s32(v, lanes));
            v += p->pixel_bytes;
        }
    }
    return acc;
}

static inline int8x16_t maximum(const struct eq_patch *p, int32_t c, mve_pred16_t lanes)
{
    int8x16_t most = vdupq_n_s8(INT8_MIN);
    int32_t row, column;
    for (row = 0; row < p->rows; row++) {
        const int8_t *v = p->x + row * p->row_bytes + c;
        for (column = 0; column < p->columns; column++) {
            most = vmaxq_s8(most, vldrbq_z_s8(v, lanes));
            v += p->pixel_bytes;
        }
    }
    return most;
}

/* Means rounded half away from zero. 2n * ceil(2^31 / count) is n / count in the upper half, exact
   for n * count below 2^31. */
static void average_pixel(const struct eq_pool *layer, const struct eq_patch *p, int8_t *y)
{
    const uint32_t count = (uint32_t)(p->rows * p->columns);
    const uint32x4_t inverse = vdupq_n_u32((0x80000000u + count - 1) / count);
    int32_t c;
    for (c = 0; c < layer->window.in_c; c += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(layer->window.in_c - c));
        const int32x4_t acc = sum(p, c, lanes);
        const int32x4_t n = vaddq_n_s32(vabsq_s32(acc), (int32_t)(count / 2));
        const uint32x4_t twice = vreinterpretq_u32_s32(vaddq_s32(n, n));
        int32x4_t v = vreinterpretq_s32_u32(vmulhq_u32(twice, inverse));
        v = vnegq_m_s32(v, v, vcmpltq_n_s32(acc, 0));
        v = vmaxq_s32(v, vdupq_n_s32(layer->min));
        vstrbq_p_s32(y + c, vminq_s32(v, vdupq_n_s32(layer->max)), lanes);
    }
}

static void maximum_pixel(const struct eq_pool *layer, const struct eq_patch *p, int8_t *y)
{
    int32_t c;
    for (c = 0; c < layer->window.in_c; c += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(layer->window.in_c - c));
        const int8x16_t v = vmaxq_s8(maximum(p, c, lanes), vdupq_n_s8(layer->min));
        vstrbq_p_s8(y + c, vminq_s8(v, vdupq_n_s8(layer->max)), lanes);
    }
}

static void pool(const struct eq_pool *layer, const int8_t *x, int8_t *y,
                 void (*pixel)(const struct eq_pool *, const struct eq_patch *, int8_t *))
{
    const struct eq_window *g = &layer->window;
    int32_t n, oy, ox;
    for (n = 0; n < g->batch; n++) {
        for (oy = 0; oy < g->out_h; oy++) {
            for (ox = 0; ox < g->out_w; ox++) {
                const struct eq_patch cut = eq_cut_patch(g, x, oy, ox);
                pixel(layer, &cut, y);
                y += g->in_c;
            }
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}

void eq_mve_average_pool(const struct eq_pool *layer, const int8_t *x, int8_t *y)
{
    pool(layer, x, y, average_pixel);
}

void eq_mve_max_pool(const struct eq_pool *layer, const int8_t *x, int8_t *y)
{
    pool(layer, x, y, maximum_pixel);
}

static void mean_row(const struct eq_mean *m, const struct eq_patch *p, int8_t *y)
{
    const int32x4_t scale = vdupq_n_s32(m->multiplier), shift = vdupq_n_s32(m->shift);
    int32_t c;
    for (c = 0; c < m->size[4]; c += 4) {
        const mve_pred16_t lanes = vctp32q((uint32_t)(m->size[4] - c));
        int32x4_t v = vaddq_n_s32(sum(p, c, lanes), m->offset);
        v = vaddq_n_s32(eq_mve_requantize(v, scale, shift), m->zero);
        v = vmaxq_s32(v, vdupq_n_s32(INT8_MIN));
        vstrbq_p_s32(y + c, vminq_s32(v, vdupq_n_s32(INT8_MAX)), lanes);
    }
}

void eq_mve_mean(const struct eq_mean *layer, const int8_t *x, int8_t *y)
{
    const int32_t *const n = layer->size;
    struct eq_patch p;
    int32_t i, j;
    p.rows = n[1];
    p.columns = n[3];
    p.pixel_bytes = n[4];
    p.row_bytes = n[2] * n[3] * n[4];
    for (i = 0; i < n[0]; i++) {
        for (j = 0; j < n[2]; j++) {
            p.x = x + j * n[3] * n[4];
            mean_row(layer, &p, y);
            y += n[4];
        }
        x += n[1] * p.row_bytes;
    }
}
#endif
