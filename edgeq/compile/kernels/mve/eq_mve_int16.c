#include "eq_mve_int16.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_halves.h"
#include "eq_mve_windows.h"

static inline int32x4_t pack(int32_t a0, int32_t a1, int32_t a2, int32_t a3)
{
    int32x4_t v = vuninitializedq_s32();
    v = vsetq_lane_s32(a2, vsetq_lane_s32(a0, v, 0), 2);
    return vsetq_lane_s32(a3, vsetq_lane_s32(a1, v, 1), 3);
}

/* One row by four outputs, whose weights end where those of 1 and 3 do. */
static inline int32x4_t dot_1x4(const int16_t *x, const int8_t **weights, int32_t depth)
{
    const int8_t *even = *weights, *odd = even + 2 * ((depth + 7) & ~7);
    int32_t a0 = 0, a1 = 0, a2 = 0, a3 = 0;
    int16x8_t u, w;
    __asm__("dlstp.16 lr, %[depth]\n"
            "1:\n\t"
            "vldrh.16 %q[u], [%[x]], #16\n\t"
            "vldrb.s16 %q[w], [%[even]], #8\n\t"
            "vmladava.s16 %[a0], %q[u], %q[w]\n\t"
            "vldrb.s16 %q[w], [%[even]], #8\n\t"
            "vmladava.s16 %[a2], %q[u], %q[w]\n\t"
            "vldrb.s16 %q[w], [%[odd]], #8\n\t"
            "vmladava.s16 %[a1], %q[u], %q[w]\n\t"
            "vldrb.s16 %q[w], [%[odd]], #8\n\t"
            "vmladava.s16 %[a3], %q[u], %q[w]\n\t"
            "letp lr, 1b"
            : [a0] "+Te"(a0), [a1] "+Te"(a1), [a2] "+Te"(a2), [a3] "+Te"(a3), [x] "+r"(x),
              [even] "+l"(even), [odd] "+l"(odd), [u] "=&w"(u), [w] "=&w"(w)
            : [depth] "r"(depth)
            : "lr", "memory");
    *weights = odd;
    return pack(a0, a1, a2, a3);
}

static void multiply_row(const struct eq_mve_matrix *matrix, const int16_t *x, int16_t *y)
{
    const struct eq_mve_matrix m = *matrix;
    const int8_t *w = m.weights;
    int32_t o;
    for (o = 0; o < m.outputs; o += 4) {
        const int32_t i = o & m.out.mask;
        const int32x4_t acc = vaddq_s32(dot_1x4(x, &w, m.depth), vldrwq_s32(m.out.bias + o));
        vstrhq_p_s32(y + o,
                     eq_mve_half_finish(&m.out, acc, m.out.multiplier + i, m.out.shift + 2 * i, 4),
                     vctp32q((uint32_t)(m.outputs - o)));
    }
}

/* Two rows by all outputs. */
static inline void multiply_pair(const struct eq_mve_matrix *m, const int16_t *a, const int16_t *b,
                                 int16_t *ya, int16_t *yb)
{
    const struct eq_mve_output q = m->out;
    const int8_t *w = m->weights;
    int32_t o;
    for (o = 0; o < m->outputs; o += 4) {
        const mve_pred16_t p = vctp32q((uint32_t)(m->outputs - o));
        const int32x4_t bias = vldrwq_s32(q.bias + o);
        const int32_t *const scale = q.multiplier + (o & q.mask);
        const int8_t *const shift = q.shift + 2 * (o & q.mask);
        const struct eq_mve_half_sums even = eq_mve_half_dot(a, b, &w, m->depth);
        const struct eq_mve_half_sums odd = eq_mve_half_dot(a, b, &w, m->depth);
        const int32x4_t u = vaddq_s32(pack(even.a0, odd.a0, even.a2, odd.a2), bias);
        const int32x4_t v = vaddq_s32(pack(even.b0, odd.b0, even.b2, odd.b2), bias);
        vstrhq_p_s32(ya + o, eq_mve_half_finish(&q, u, scale, shift, 4), p);
        vstrhq_p_s32(yb + o, eq_mve_half_finish(&q, v, scale, shift, 4), p);
    }
}

/* Rows of x start `step` elements behind each other. */
static void multiply(const struct eq_mve_matrix *matrix, const int16_t *x, int32_t step,
                     int32_t rows, int16_t *y)
{
    const struct eq_mve_matrix m = *matrix;
    int32_t r;
    for (r = 0; r < rows; r += 2) {
        const int32_t next = r + 1 < rows;
        multiply_pair(&m, x, x + next * step, y, y + next * m.outputs);
        x += 2 * step;
        y += 2 * m.outputs;
    }
}

void eq_mve_int16_conv(const struct eq_mve_conv *layer, const int16_t *x, int16_t *y,
                       int8_t *scratch)
{
    struct eq_mve_windows w;
    int32_t count;
    w.zero = 0;
    eq_mve_open_windows(&w, &layer->window, layer->columns, (const void *)x, scratch);
    while ((count = eq_mve_next_windows(&w)) != 0) {
        multiply(&layer->matrix, (const void *)w.first, w.step / 2, count, y);
        y += count * layer->matrix.outputs;
    }
}

void eq_mve_int16_pointwise(const struct eq_mve_pointwise *layer, const int16_t *x, int16_t *y)
{
    if (layer->rows == 1) {
        multiply_row(&layer->matrix, x, y);
    } else {
        multiply(&layer->matrix, x, layer->matrix.depth, layer->rows, y);
    }
}
#endif
