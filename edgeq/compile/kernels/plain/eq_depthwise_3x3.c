#include "eq_depthwise.h"

/* A whole window: `x` is its first pixel, `row` the bytes between its rows. */
static void inside_pixel(const struct eq_depthwise *d, const struct eq_output *q,
                         const int8_t *x, int32_t row, int8_t *y)
{
    const int32_t n = d->window.in_c;
    const int8_t *x1 = x + row, *x2 = x1 + row, *w = d->weights;
    int32_t c;
    for (c = 0; c < n; c++) {
        int32_t a = q->bias[c];
        a += (int32_t)x[0] * w[0] + x[n] * w[1] + x[2 * n] * w[2];
        a += (int32_t)x1[0] * w[3] + x1[n] * w[4] + x1[2 * n] * w[5];
        a += (int32_t)x2[0] * w[6] + x2[n] * w[7] + x2[2 * n] * w[8];
        y[c] = eq_finish(q, a, c);
        x++;
        x1++;
        x2++;
        w += 9;
    }
}

/* A window with taps outside the input: each tap has its own pointer. */
static void border_pixel(const struct eq_depthwise *d, const struct eq_output *q,
                         const int8_t *const *tap, int8_t *y)
{
    const int8_t *w = d->weights;
    int32_t c;
    for (c = 0; c < d->window.in_c; c++) {
        int32_t a = q->bias[c];
        a += (int32_t)tap[0][c] * w[0] + tap[1][c] * w[1] + tap[2][c] * w[2];
        a += (int32_t)tap[3][c] * w[3] + tap[4][c] * w[4] + tap[5][c] * w[5];
        a += (int32_t)tap[6][c] * w[6] + tap[7][c] * w[7] + tap[8][c] * w[8];
        y[c] = eq_finish(q, a, c);
        w += 9;
    }
}

static void aim_taps(const struct eq_depthwise *d, const int8_t *x, int32_t row, int32_t column,
                     const int8_t **tap)
{
    const struct eq_window *g = &d->window;
    int32_t t;
    for (t = 0; t < 9; t++) {
        const int32_t i = row + t / 3, j = column + t % 3;
        const int inside = i >= 0 && i < g->in_h && j >= 0 && j < g->in_w;
        tap[t] = inside ? x + (i * g->in_w + j) * g->in_c : d->border;
    }
}

static void depthwise_image(const struct eq_depthwise *d, const int8_t *x, int8_t *y)
{
    const struct eq_window *g = &d->window;
    const struct eq_output q = d->out;
    const int32_t stride = g->in_w * g->in_c;
    int32_t oy, ox;
    for (oy = 0; oy < g->out_h; oy++) {
        const int32_t row = oy * g->stride_h - g->pad_h;
        const int rows_inside = row >= 0 && row + 3 <= g->in_h;
        for (ox = 0; ox < g->out_w; ox++) {
            const int32_t column = ox * g->stride_w - g->pad_w;
            if (rows_inside && column >= 0 && column + 3 <= g->in_w) {
                inside_pixel(d, &q, x + row * stride + column * g->in_c, stride, y);
            } else {
                const int8_t *tap[9];
                aim_taps(d, x, row, column, tap);
                border_pixel(d, &q, tap, y);
            }
            y += g->out_c;
        }
    }
}

void eq_depthwise_3x3(const struct eq_depthwise *layer, const int8_t *x, int8_t *y)
{
    const struct eq_window *g = &layer->window;
    int32_t n;
    for (n = 0; n < g->batch; n++) {
        depthwise_image(layer, x, y);
        x += g->in_h * g->in_w * g->in_c;
        y += g->out_h * g->out_w * g->out_c;
    }
}
