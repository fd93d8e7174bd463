#include "eq_transpose_conv.h"

static int32_t dot(int32_t acc, const int8_t *x, int32_t zero, const int8_t *w, int32_t depth)
{
    int32_t c;
    for (c = 0; c < depth; c++) {
        acc += (x[c] - zero) * w[c];
    }
    return acc;
}

/* All channels of one output; x is the input of its first taps. A tap further on along an axis
   reads the input before. */
static void pixel(const struct eq_transpose_conv *l, const int8_t *x, struct eq_span rows,
                  struct eq_span columns, int8_t *y)
{
    const struct eq_window *const w = &l->window;
    const int32_t depth = w->out_c, row = w->out_w * depth, zero = l->in_zero;
    const int8_t *weights = l->weights;
    int32_t i, j, c;
    for (c = 0; c < w->in_c; c++) {
        const int8_t *line = x;
        int32_t acc = l->out.bias[c];
        for (i = rows.first; i < rows.end; i += w->stride_h) {
            const int8_t *point = line;
            for (j = columns.first; j < columns.end; j += w->stride_w) {
                acc = dot(acc, point, zero, weights + (i * w->kernel_w + j) * depth, depth);
                point -= depth;
            }
            line -= row;
        }
        y[c] = eq_finish(&l->out, acc, c);
        weights += w->kernel_h * w->kernel_w * depth;
    }
}

void eq_transpose_conv(const struct eq_transpose_conv *layer, const int8_t *x, int8_t *y)
{
    const struct eq_window *const w = &layer->window;
    int32_t b, i, j;
    for (b = 0; b < w->batch; b++) {
        for (i = w->pad_h; i < w->in_h + w->pad_h; i++) {
            const struct eq_span rows = eq_taps_reaching(i, w->stride_h, w->kernel_h, w->out_h);
            const int32_t line = (i - rows.first) / w->stride_h * w->out_w;
            for (j = w->pad_w; j < w->in_w + w->pad_w; j++) {
                const struct eq_span columns = eq_taps_reaching(j, w->stride_w, w->kernel_w, w->out_w);
                const int32_t point = line + (j - columns.first) / w->stride_w;
                pixel(layer, x + point * w->out_c, rows, columns, y);
                y += w->in_c;
            }
        }
        x += w->out_h * w->out_w * w->out_c;
    }
}
