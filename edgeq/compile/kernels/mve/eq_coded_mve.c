#include "eq_coded_mve.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_tiles.h"
#include "eq_mve_windows.h"

/* The first outputs of `rows` rows that start `step` bytes apart, a tile of them at `w`. */
static void make_tile(const struct eq_mve_matrix *m, const int8_t *x, int32_t step, int32_t rows,
                      int32_t o, const int8_t *w, int8_t *y)
{
    const struct eq_mve_output q = m->out;
    const int32_t depth = m->depth, outputs = m->outputs;
    const int32_t *const bias = q.bias + o;
    const int32x4_t factor = vldrwq_s32(q.multiplier + (o & q.mask));
    const int32x4_t shift = vldrbq_s32(q.shift + (o & q.mask));
    const mve_pred16_t p = vctp32q((uint32_t)(m->made - o));
    int32_t r;
    y += o;
    for (r = 0; r < rows; r += 2) {
        const int32_t next = r + 1 < rows;
        const int8_t *const b = x + next * step, *from = w;
        const struct eq_mve_sums even = eq_mve_dot_bytes(x, b, &from, depth, bias);
        const struct eq_mve_tile t =
            eq_mve_pack(even, eq_mve_dot_bytes(x, b, &from, depth, bias + 1));
        vstrbq_p_s32(y, eq_mve_finish(&q, t.a, factor, shift), p);
        vstrbq_p_s32(y + next * outputs, eq_mve_finish(&q, t.b, factor, shift), p);
        x += 2 * step;
        y += 2 * outputs;
    }
}

/* y[rows][outputs] of rows that start `step` bytes apart; `w` has room for a tile. */
static void multiply(const struct eq_codes *weights, const struct eq_mve_matrix *m, const int8_t *x,
                     int32_t step, int32_t rows, int8_t *y, int8_t *w)
{
    int32_t o;
    for (o = 0; o < m->made; o += 4) {
        eq_mve_decode(weights, o / 4, 1, w);
        make_tile(m, x, step, rows, o, w, y);
    }
}

/* All weights, decoded at `w`. */
static struct eq_mve_matrix decode_all(const struct eq_codes *weights,
                                       const struct eq_mve_matrix *m, int8_t *w)
{
    struct eq_mve_matrix whole = *m;
    eq_mve_decode(weights, 0, (m->made + 3) / 4, w);
    whole.weights = w;
    return whole;
}

void eq_coded_mve_conv(const struct eq_coded_mve_conv *layer, const int8_t *x, int8_t *y,
                       int8_t *scratch)
{
    struct eq_mve_conv whole = layer->conv;
    whole.matrix = decode_all(&layer->weights, &layer->conv.matrix, scratch);
    eq_mve_conv(&whole, x, y, scratch + layer->decoded);
}

void eq_coded_mve_windows(const struct eq_coded_mve_conv *layer, const int8_t *x, int8_t *y,
                          int8_t *scratch)
{
    const struct eq_mve_conv *const conv = &layer->conv;
    struct eq_mve_windows w;
    int32_t count;
    w.zero = conv->in_zero;
    eq_mve_open_windows(&w, &conv->window, conv->columns, x, scratch + layer->decoded);
    while ((count = eq_mve_next_windows(&w)) != 0) {
        multiply(&layer->weights, &conv->matrix, w.first, w.step, count, y, scratch);
        y += count * conv->window.out_c;
    }
}

static const int8_t *copy(int8_t *to, const int8_t *from, int32_t count)
{
    int32_t i;
    for (i = 0; i < count; i += 16) {
        const mve_pred16_t p = vctp8q((uint32_t)(count - i));
        vstrbq_p_s8(to + i, vldrbq_z_s8(from + i, p), p);
    }
    return to;
}

void eq_coded_mve_pointwise(const struct eq_coded_mve_pointwise *layer, const int8_t *x,
                            int8_t *y, int8_t *scratch)
{
    struct eq_mve_pointwise whole = layer->product;
    whole.matrix = decode_all(&layer->weights, &layer->product.matrix, scratch);
    eq_mve_pointwise(&whole, x, y);
}

void eq_coded_mve_steps(const struct eq_coded_mve_pointwise *layer, const int8_t *x, int8_t *y,
                        int8_t *scratch)
{
    const struct eq_mve_matrix *const m = &layer->product.matrix;
    int32_t left, rows;
    for (left = layer->product.rows; left > 0; left -= rows) {
        const int8_t *from;
        rows = left < layer->step ? left : layer->step;
        from = copy(scratch + layer->decoded, x, rows * m->depth);
        multiply(&layer->weights, m, from, m->depth, rows, y, scratch);
        x += rows * m->depth;
        y += rows * m->outputs;
    }
}
#endif
