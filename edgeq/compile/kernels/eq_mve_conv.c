#include "eq_mve_conv.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_matrix.h"

static int8_t *copy(int8_t *to, const int8_t *from, int32_t count)
{
    int8_t *at = to;
    int32_t left;
    for (left = count; left > 0; left -= 16) {
        const mve_pred16_t p = vctp8q((uint32_t)left);
        vstrbq_p_s8(at, vldrbq_z_s8(from, p), p);
        from += 16;
        at += 16;
    }
    return to + count;
}

static int8_t *fill(int8_t *to, int8_t value, int32_t count)
{
    const int8x16_t v = vdupq_n_s8(value);
    int8_t *at = to;
    int32_t left;
    for (left = count; left > 0; left -= 16) {
        vstrbq_p_s8(at, v, vctp8q((uint32_t)left));
        at += 16;
    }
    return to + count;
}

/* One row of taps; `x` is its input row. */
static int8_t *gather_row(const struct eq_mve_conv *l, const int8_t *x, int32_t column, int8_t *to)
{
    const struct eq_window *g = &l->window;
    int32_t tap;
    for (tap = 0; tap < g->kernel_w; tap++) {
        const int32_t at = column + tap * g->dilation_w;
        to = at >= 0 && at < g->in_w ? copy(to, x + at * g->in_c, g->in_c)
                                     : fill(to, l->in_zero, g->in_c);
    }
    return to;
}

/* The taps of the window at (row, column), in the order of the weights: in place where they lie
   so in the input, else gathered at `to`. */
static const int8_t *window_taps(const struct eq_mve_conv *l, const int8_t *x, int32_t row,
                                 int32_t column, int8_t *to)
{
    const struct eq_window *g = &l->window;
    const int32_t run = g->kernel_w * g->in_c, stride = g->in_w * g->in_c;
    const int whole = g->dilation_w == 1 && column >= 0 && column + g->kernel_w <= g->in_w;
    const int8_t *const taps = to;
    int32_t i;
    if (whole && g->kernel_h == 1 && row >= 0 && row < g->in_h) {
        return x + row * stride + column * g->in_c;
    }
    for (i = row; i < row + g->kernel_h * g->dilation_h; i += g->dilation_h) {
        if (i < 0 || i >= g->in_h) {
            to = fill(to, l->in_zero, run);
        } else if (whole) {
            to = copy(to, x + i * stride + column * g->in_c, run);
        } else {
            to = gather_row(l, x + i * stride, column, to);
        }
    }
    return taps;
}

static void conv_image(const struct eq_mve_conv *l, const struct eq_mve_matrix *m, const int8_t *x,
                       int8_t *y, int8_t *scratch)
{
    const struct eq_window *g = &l->window;
    int32_t oy, ox;
    for (oy = 0; oy < g->out_h; oy++) {
        const int32_t row = oy * g->stride_h - g->pad_h;
        for (ox = 0; ox < g->out_w; ox += 2) {
            const int32_t next = ox + 1 < g->out_w, column = ox * g->stride_w - g->pad_w;
            const int8_t *const x0 = window_taps(l, x, row, column, scratch);
            const int8_t *const x1 =
                next ? window_taps(l, x, row, column + g->stride_w, scratch + m->depth) : x0;
            eq_mve_rows(m, x0, x1, y, y + next * g->out_c);
            y += (1 + next) * g->out_c;
        }
    }
}

void eq_mve_conv(const struct eq_mve_conv *layer, const int8_t *x, int8_t *y, int8_t *scratch)
{
    const struct eq_window *g = &layer->window;
    const struct eq_mve_matrix m = {g->kernel_h * g->kernel_w * g->in_c, g->out_c,
                                    layer->weights, &layer->out};
    int32_t n;
    for (n = 0; n < g->batch; n++) {
        conv_image(layer, &m, x, y, scratch);
        x += g->in_h * g->in_w * g->in_c;
        y += g->out_h * g->out_w * g->out_c;
    }
}
#endif
