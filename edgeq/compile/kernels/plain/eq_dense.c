#include "eq_dense.h"

/* Two rows and two outputs at once: each load serves two products. The last pair of an odd count
   of outputs overlaps the one before it. */
EQ_APART static void dense_rows(const struct eq_dense *d, const struct eq_output *q,
                                const int8_t *x, int8_t *y)
{
    const int32_t depth = d->depth;
    const int32_t next = d->outputs > 1 ? 1 : 0;
    const int8_t *const end = x + depth;
    int32_t i;
    for (i = 0; i < d->outputs; i += 2) {
        const int32_t o = i + 1 < d->outputs || i == 0 ? i : i - 1;
        const int8_t *w0 = d->weights + o * depth, *x0;
        int32_t a00 = q->bias[o], a01 = q->bias[o + next], a10 = a00, a11 = a01;
        for (x0 = x; x0 < end; x0++, w0++) {
            const int32_t v0 = x0[0], v1 = x0[depth], u0 = w0[0], u1 = w0[next * depth];
            a00 += v0 * u0;
            a01 += v0 * u1;
            a10 += v1 * u0;
            a11 += v1 * u1;
        }
        y[o] = eq_finish(q, a00, o);
        y[o + next] = eq_finish(q, a01, o + next);
        y[d->outputs + o] = eq_finish(q, a10, o);
        y[d->outputs + o + next] = eq_finish(q, a11, o + next);
    }
}

static void dense_row(const struct eq_dense *d, const struct eq_output *q, const int8_t *x,
                      int8_t *y)
{
    const int32_t depth = d->depth;
    const int32_t next = d->outputs > 1 ? 1 : 0;
    int32_t i, k;
    for (i = 0; i < d->outputs; i += 2) {
        const int32_t o = i + 1 < d->outputs || i == 0 ? i : i - 1;
        const int8_t *const w0 = d->weights + o * depth;
        const int8_t *const w1 = w0 + next * depth;
        int32_t a0 = q->bias[o], a1 = q->bias[o + next];
        for (k = 0; k < depth; k++) {
            a0 += x[k] * w0[k];
            a1 += x[k] * w1[k];
        }
        y[o] = eq_finish(q, a0, o);
        y[o + next] = eq_finish(q, a1, o + next);
    }
}

/* Row by row, so that y may lie over rows of x that are done with. */
void eq_dense(const struct eq_dense *layer, const int8_t *x, int8_t *y)
{
    const struct eq_dense d = *layer;
    int32_t r;
    for (r = 0; r + 1 < d.rows; r += 2) {
        dense_rows(&d, &d.out, x, y);
        x += 2 * d.depth;
        y += 2 * d.outputs;
    }
    if (r < d.rows) {
        dense_row(&d, &d.out, x, y);
    }
}
