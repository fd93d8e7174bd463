#include "eq_mve_int4.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_tiles.h"
#include "eq_mve_windows.h"

static void multiply_rows(const struct eq_mve_matrix *m, const int8_t *x, int32_t step,
                          int32_t rows, int8_t *y)
{
    eq_mve_multiply_tiles(m, x, step, rows, y, 1);
}

/* One row by a tile of outputs, whose weights end where those of 1 and 3 do. */
static inline int32x4_t dot_1x4(const int8_t *x, const int8_t **weights, int32_t bytes,
                                int32_t depth, const int32_t *bias)
{
    const int8x16_t upper = vdupq_n_s8(-16);
    const int8_t *even = *weights, *odd = even + bytes;
    int32_t a0 = bias[0], a1 = bias[1], a2 = bias[2], a3 = bias[3];
    int32x4_t acc = vuninitializedq_s32();
    int8x16_t u, w, lower;
    __asm__("dlstp.8 lr, %[depth]\n"
            "1:\n\t"
            "vldrb.8 %q[w], [%[even]], #16\n\t"
            "vldrb.8 %q[u], [%[x]], #16\n\t"
            "vshl.i8 %q[lower], %q[w], #4\n\t"
            "vmladava.s8 %[a0], %q[u], %q[lower]\n\t"
            "vand %q[w], %q[w], %q[upper]\n\t"
            "vmladava.s8 %[a2], %q[u], %q[w]\n\t"
            "vldrb.8 %q[w], [%[odd]], #16\n\t"
            "vshl.i8 %q[lower], %q[w], #4\n\t"
            "vmladava.s8 %[a1], %q[u], %q[lower]\n\t"
            "vand %q[w], %q[w], %q[upper]\n\t"
            "vmladava.s8 %[a3], %q[u], %q[w]\n\t"
            "letp lr, 1b"
            : [a0] "+Te"(a0), [a1] "+Te"(a1), [a2] "+Te"(a2), [a3] "+Te"(a3), [x] "+r"(x),
              [even] "+r"(even), [odd] "+r"(odd), [u] "=&w"(u), [w] "=&w"(w), [lower] "=&w"(lower)
            : [depth] "r"(depth), [upper] "w"(upper)
            : "lr", "memory");
    *weights = odd;
    acc = vsetq_lane_s32(a2, vsetq_lane_s32(a0, acc, 0), 2);
    return vsetq_lane_s32(a3, vsetq_lane_s32(a1, acc, 1), 3);
}

static void multiply_row(const struct eq_mve_matrix *matrix, const int8_t *x, int8_t *y)
{
    const struct eq_mve_matrix m = *matrix;
    const int32_t bytes = (m.depth + 15) & ~15;
    const int8_t *w = m.weights;
    int32_t o;
    for (o = 0; o < m.outputs; o += 4) {
        const int32_t i = o & m.out.mask;
        struct eq_mve_tile t = {dot_1x4(x, &w, bytes, m.depth, m.out.bias + o), vdupq_n_s32(0)};
        t = eq_mve_finish_tile(&m.out, t, m.out.multiplier + i, m.out.shift + 2 * i, 1);
        vstrbq_p_s32(y + o, t.a, vctp32q((uint32_t)(m.outputs - o)));
    }
}

void eq_mve_int4_conv(const struct eq_mve_conv *layer, const int8_t *x, int8_t *y, int8_t *scratch)
{
    struct eq_mve_windows w;
    int32_t count;
    w.zero = layer->in_zero;
    eq_mve_open_windows(&w, &layer->window, layer->columns, x, scratch);
    while ((count = eq_mve_next_windows(&w)) != 0) {
        multiply_rows(&layer->matrix, w.first, w.step, count, y);
        y += count * layer->window.out_c;
    }
}

void eq_mve_int4_pointwise(const struct eq_mve_pointwise *layer, const int8_t *x, int8_t *y)
{
    if (layer->rows == 1) {
        multiply_row(&layer->matrix, x, y);
    } else {
        multiply_rows(&layer->matrix, x, layer->matrix.depth, layer->rows, y);
    }
}
#endif
