#include "eq_dense.h"

/* Two rows and two outputs at once: each load serves two products. The last tile of an odd count
   overlaps the one before it. */
static void dense_rows(const struct eq_dense *d, const struct eq_output *q, int32_t o,
                       const int8_t *x, int8_t *y)
{
    const int32_t depth = d->depth;
    const int32_t next = d->outputs > 1 ? 1 : 0;
    const int8_t *const w0 = d->weights + o * depth;
    const int8_t *const w1 = w0 + next * depth;
    int32_t r;
    for (r = 0; r < d->rows; r += 2) {
        const int32_t row = r + 1 < d->rows ? r : d->rows - 2;
        const int8_t *const x0 = x + row * depth;
        const int8_t *const x1 = x0 + depth;
        int8_t *const out = y + row * d->outputs + o;
        int32_t a00 = q->bias[o], a01 = q->bias[o + next], a10 = a00, a11 = a01;
        int32_t k;
        for (k = 0; k < depth; k++) {
            a00 += x0[k] * w0[k];
            a01 += x0[k] * w1[k];
            a10 += x1[k] * w0[k];
            a11 += x1[k] * w1[k];
        }
        out[0] = eq_finish(q, a00, o);
        out[next] = eq_finish(q, a01, o + next);
        out[d->outputs] = eq_finish(q, a10, o);
        out[d->outputs + next] = eq_finish(q, a11, o + next);
    }
}

static void dense_row(const struct eq_dense *d, const struct eq_output *q, int32_t o,
                      const int8_t *x, int8_t *y)
{
    const int32_t depth = d->depth;
    const int32_t next = d->outputs > 1 ? 1 : 0;
    const int8_t *const w0 = d->weights + o * depth;
    const int8_t *const w1 = w0 + next * depth;
    int32_t a0 = q->bias[o], a1 = q->bias[o + next];
    int32_t k;
    for (k = 0; k < depth; k++) {
        a0 += x[k] * w0[k];
        a1 += x[k] * w1[k];
    }
    y[o] = eq_finish(q, a0, o);
    y[o + next] = eq_finish(q, a1, o + next);
}

void eq_dense(const struct eq_dense *layer, const int8_t *x, int8_t *y)
{
    const struct eq_dense d = *layer;
    int32_t i;
    for (i = 0; i < d.outputs; i += 2) {
        const int32_t o = i + 1 < d.outputs || i == 0 ? i : i - 1;
        if (d.rows == 1) {
            dense_row(&d, &d.out, o, x, y);
        } else {
            dense_rows(&d, &d.out, o, x, y);
        }
    }
}
