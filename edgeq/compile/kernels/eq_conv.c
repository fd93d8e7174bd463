#include "eq_conv.h"

/* The part of a window that lies inside the input: `rows` x `taps` runs of contiguous bytes.
   Without dilation along the width a row is a single run. */
struct patch {
    const int8_t *x;
    const int8_t *w;
    int32_t rows, taps, run;
    int32_t x_row, x_tap;
    int32_t w_row, w_tap;
};

/* One pixel, two outputs. `zero` is subtracted from every input. */
EQ_APART static void dot_1x2(const struct patch *p, int32_t w_next, int32_t zero, int32_t *acc)
{
    int32_t a0 = acc[0], a1 = acc[1];
    int32_t row, tap, k;
    for (row = 0; row < p->rows; row++) {
        for (tap = 0; tap < p->taps; tap++) {
            const int8_t *const x = p->x + row * p->x_row + tap * p->x_tap;
            const int8_t *const w0 = p->w + row * p->w_row + tap * p->w_tap;
            const int8_t *const w1 = w0 + w_next;
            for (k = 0; k < p->run; k++) {
                const int32_t v = x[k] - zero;
                a0 += v * w0[k];
                a1 += v * w1[k];
            }
        }
    }
    acc[0] = a0;
    acc[1] = a1;
}

/* Two pixels, two outputs: each load serves two products. */
EQ_APART static void dot_2x2(const struct patch *p, int32_t x_next, int32_t w_next, int32_t *acc)
{
    int32_t a00 = acc[0], a01 = acc[1], a10 = acc[0], a11 = acc[1];
    int32_t row, tap, k;
    for (row = 0; row < p->rows; row++) {
        for (tap = 0; tap < p->taps; tap++) {
            const int8_t *const x0 = p->x + row * p->x_row + tap * p->x_tap;
            const int8_t *const x1 = x0 + x_next;
            const int8_t *const w0 = p->w + row * p->w_row + tap * p->w_tap;
            const int8_t *const w1 = w0 + w_next;
            for (k = 0; k < p->run; k++) {
                a00 += x0[k] * w0[k];
                a01 += x0[k] * w1[k];
                a10 += x1[k] * w0[k];
                a11 += x1[k] * w1[k];
            }
        }
    }
    acc[0] = a00;
    acc[1] = a01;
    acc[2] = a10;
    acc[3] = a11;
}

/* One image and the two outputs that start at `weights`, whose biases are bias[0..1]. */
struct pair {
    const struct eq_window *g;
    const int8_t *weights;
    int32_t w_next;
    int32_t zero;
    int32_t folded[2];
    int32_t plain[2];
};

static struct patch cut_patch(const struct pair *p, const int8_t *x, int32_t row, int32_t column,
                              struct eq_span ky, struct eq_span kx)
{
    const struct eq_window *g = p->g;
    const int32_t c = g->in_c, width = kx.end - kx.first;
    struct patch cut;
    cut.x_row = g->dilation_h * g->in_w * c;
    cut.w_row = g->kernel_w * c;
    cut.x_tap = g->dilation_w * c;
    cut.w_tap = c;
    cut.rows = ky.end - ky.first;
    cut.taps = g->dilation_w == 1 ? 1 : width;
    cut.run = g->dilation_w == 1 ? width * c : c;
    cut.x = x + (row * g->in_w + column) * c + ky.first * cut.x_row + kx.first * cut.x_tap;
    cut.w = p->weights + ky.first * cut.w_row + kx.first * cut.w_tap;
    return cut;
}

static int is_whole(const struct eq_window *g, struct eq_span ky, struct eq_span kx)
{
    return ky.end - ky.first == g->kernel_h && kx.end - kx.first == g->kernel_w;
}

/* Computes output pixel `ox`, and `ox + 1` too where both windows are whole; returns how many. */
static int32_t conv_pixels(const struct pair *p, const int8_t *x, int32_t oy, int32_t ox,
                           struct eq_span ky, struct eq_span inside, int32_t *acc)
{
    const struct eq_window *g = p->g;
    const int32_t row = oy * g->stride_h - g->pad_h, column = ox * g->stride_w - g->pad_w;
    const struct eq_span kx = eq_taps_inside(column, g->dilation_w, g->kernel_w, g->in_w);
    const struct patch cut = cut_patch(p, x, row, column, ky, kx);
    if (!is_whole(g, ky, kx)) {
        acc[0] = p->plain[0];
        acc[1] = p->plain[1];
        dot_1x2(&cut, p->w_next, p->zero, acc);
        return 1;
    }
    acc[0] = p->folded[0];
    acc[1] = p->folded[1];
    if (ox + 1 < inside.end) {
        dot_2x2(&cut, g->stride_w * g->in_c, p->w_next, acc);
        return 2;
    }
    dot_1x2(&cut, p->w_next, 0, acc);
    return 1;
}

static void conv_image(const struct pair *p, const struct eq_output *q, int32_t o,
                       const int8_t *x, int8_t *y)
{
    const struct eq_window *g = p->g;
    const int32_t next = p->w_next ? 1 : 0;
    const struct eq_span inside =
        eq_outputs_inside(g->out_w, g->stride_w, g->pad_w,
                          (g->kernel_w - 1) * g->dilation_w + 1, g->in_w);
    int32_t oy, ox, i;
    for (oy = 0; oy < g->out_h; oy++) {
        const struct eq_span ky = eq_taps_inside(oy * g->stride_h - g->pad_h, g->dilation_h,
                                                 g->kernel_h, g->in_h);
        for (ox = 0; ox < g->out_w;) {
            int32_t acc[4];
            const int32_t done = conv_pixels(p, x, oy, ox, ky, inside, acc);
            for (i = 0; i < done; i++, ox++) {
                int8_t *const out = y + (oy * g->out_w + ox) * g->out_c + o;
                out[0] = eq_finish(q, acc[2 * i], o);
                out[next] = eq_finish(q, acc[2 * i + 1], o + next);
            }
        }
    }
}

/* The bias without the folded zero point, for windows that reach over the border. */
static int32_t unfold(int32_t bias, int32_t zero, const int8_t *w, int32_t count)
{
    int32_t sum = 0, k;
    for (k = 0; k < count; k++) {
        sum += w[k];
    }
    return bias + zero * sum;
}

void eq_conv(const struct eq_conv *layer, const int8_t *x, int8_t *y)
{
    const struct eq_window *g = &layer->window;
    const int32_t next = g->out_c > 1 ? 1 : 0;
    const int32_t count = g->kernel_h * g->kernel_w * g->in_c;
    const int32_t in = g->in_h * g->in_w * g->in_c, out = g->out_h * g->out_w * g->out_c;
    int32_t i, j, n;
    for (i = 0; i < g->out_c; i += 2) {
        const int32_t o = i + 1 < g->out_c || i == 0 ? i : i - 1;
        struct pair p;
        p.g = g;
        p.weights = layer->weights + o * count;
        p.w_next = next * count;
        p.zero = layer->in_zero;
        for (j = 0; j < 2; j++) {
            const int32_t c = o + j * next;
            p.folded[j] = layer->out.bias[c];
            p.plain[j] = unfold(p.folded[j], p.zero, layer->weights + c * count, count);
        }
        for (n = 0; n < g->batch; n++) {
            conv_image(&p, &layer->out, o, x + n * in, y + n * out);
        }
    }
}
