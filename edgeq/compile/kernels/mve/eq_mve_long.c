#include "eq_mve_long.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_halves.h"
#include "eq_mve_windows.h"

/* So many products of an int16 and an int8 fit 32 bits: whole blocks. */
#define CHUNK 504

/* Two rows by outputs `o` and `o` + 2, whose weights end where the next ones begin. */
static const int8_t *multiply_two(const struct eq_mve_long_matrix *m, const int16_t *a,
                                  const int16_t *b, const int8_t *w, int32_t o, int16_t *ya,
                                  int16_t *yb)
{
    const struct eq_int16_output *const q = &m->out;
    int64_t a0 = 0, a2 = 0, b0 = 0, b2 = 0;
    int32_t k;
    for (k = 0; k < m->depth; k += CHUNK) {
        const int32_t left = m->depth - k;
        const struct eq_mve_half_sums s =
            eq_mve_half_dot(a + k, b + k, &w, left < CHUNK ? left : CHUNK);
        a0 += s.a0;
        a2 += s.a2;
        b0 += s.b0;
        b2 += s.b2;
    }
    if (o < m->outputs) {
        ya[o] = eq_int16_finish(q, a0 + q->bias[o], o);
        yb[o] = eq_int16_finish(q, b0 + q->bias[o], o);
    }
    if (o + 2 < m->outputs) {
        ya[o + 2] = eq_int16_finish(q, a2 + q->bias[o + 2], o + 2);
        yb[o + 2] = eq_int16_finish(q, b2 + q->bias[o + 2], o + 2);
    }
    return w;
}

/* Rows of x start `step` elements behind each other. */
static void multiply(const struct eq_mve_long_matrix *m, const int16_t *x, int32_t step,
                     int32_t rows, int16_t *y)
{
    int32_t r, o;
    for (r = 0; r < rows; r += 2) {
        const int32_t next = r + 1 < rows;
        const int8_t *w = m->weights;
        for (o = 0; o < m->outputs; o += 4) {
            w = multiply_two(m, x, x + next * step, w, o, y, y + next * m->outputs);
            w = multiply_two(m, x, x + next * step, w, o + 1, y, y + next * m->outputs);
        }
        x += 2 * step;
        y += 2 * m->outputs;
    }
}

void eq_mve_long_conv(const struct eq_mve_long_conv *layer, const int16_t *x, int16_t *y,
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

void eq_mve_long_pointwise(const struct eq_mve_long_pointwise *layer, const int16_t *x, int16_t *y)
{
    multiply(&layer->matrix, x, layer->matrix.depth, layer->rows, y);
}
#endif
