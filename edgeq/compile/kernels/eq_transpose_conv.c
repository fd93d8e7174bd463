#include "eq_transpose_conv.h"

/* The taps that reach an output along one axis, every `stride`-th from `first` to before `end`;
   tap k reads input (at - k) / stride. */
static struct eq_span taps(int32_t at, int32_t stride, int32_t kernel, int32_t size)
{
    struct eq_span t;
    t.first = at - (size - 1) * stride;
    t.first = t.first > 0 ? t.first : at % stride;
    t.end = at + 1 < kernel ? at + 1 : kernel;
    return t;
}

static int32_t dot(const int8_t *x, int32_t zero, const int8_t *w, int32_t depth)
{
    int32_t acc = 0, c;
    for (c = 0; c < depth; c++) {
        acc += (x[c] - zero) * w[c];
    }
    return acc;
}

/* The sum of one output channel of the output at (row, column), counted with the padding. */
static int32_t channel(const struct eq_transpose_conv *l, const int8_t *x, const int8_t *weights,
                       int32_t row, int32_t column)
{
    const struct eq_window *const w = &l->window;
    const struct eq_span rows = taps(row, w->stride_h, w->kernel_h, w->out_h);
    const struct eq_span columns = taps(column, w->stride_w, w->kernel_w, w->out_w);
    int32_t acc = 0, i, j;
    for (i = rows.first; i < rows.end; i += w->stride_h) {
        const int8_t *const line = x + (row - i) / w->stride_h * w->out_w * w->out_c;
        for (j = columns.first; j < columns.end; j += w->stride_w) {
            acc += dot(line + (column - j) / w->stride_w * w->out_c, l->in_zero,
                       weights + (i * w->kernel_w + j) * w->out_c, w->out_c);
        }
    }
    return acc;
}

void eq_transpose_conv(const struct eq_transpose_conv *layer, const int8_t *x, int8_t *y)
{
    const struct eq_window *const w = &layer->window;
    const int32_t taps_size = w->kernel_h * w->kernel_w * w->out_c;
    int32_t b, i, j, c;
    for (b = 0; b < w->batch; b++) {
        for (i = 0; i < w->in_h; i++) {
            for (j = 0; j < w->in_w; j++) {
                for (c = 0; c < w->in_c; c++) {
                    const int32_t acc = channel(layer, x, layer->weights + c * taps_size,
                                                i + w->pad_h, j + w->pad_w);
                    *y++ = eq_finish(&layer->out, acc + layer->out.bias[c], c);
                }
            }
        }
        x += w->out_h * w->out_w * w->out_c;
    }
}
