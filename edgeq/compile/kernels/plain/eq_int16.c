#include "eq_int16.h"

/* So many products of an int16 and an int8 fit 32 bits. */
#define CHUNK 256

/* The part of a window that lies inside the input: `rows` x `taps` runs of `run` channels. */
struct patch {
    const int16_t *x;
    const int8_t *w;
    int32_t rows, taps, run;
    int32_t x_row, x_tap;
    int32_t w_row, w_tap;
};

static int64_t dot_run(const int16_t *x, const int8_t *w, int32_t count)
{
    int64_t total = 0;
    int32_t k = 0;
    while (k < count) {
        const int32_t end = count - k < CHUNK ? count : k + CHUNK;
        int32_t sum = 0;
        for (; k < end; k++) {
            sum += x[k] * w[k];
        }
        total += sum;
    }
    return total;
}

EQ_APART static int64_t dot(const struct patch *p)
{
    int64_t total = 0;
    int32_t row, tap;
    for (row = 0; row < p->rows; row++) {
        for (tap = 0; tap < p->taps; tap++) {
            total += dot_run(p->x + row * p->x_row + tap * p->x_tap,
                             p->w + row * p->w_row + tap * p->w_tap, p->run);
        }
    }
    return total;
}

/* All outputs of one pixel; what lies outside the input is nought. */
static void conv_pixel(const struct eq_int16_conv *layer, const int16_t *x, int32_t row,
                       int32_t column, int16_t *y)
{
    const struct eq_window *g = &layer->window;
    const struct eq_span ky = eq_taps_inside(row, g->dilation_h, g->kernel_h, g->in_h);
    const struct eq_span kx = eq_taps_inside(column, g->dilation_w, g->kernel_w, g->in_w);
    const int32_t width = kx.end - kx.first, depth = layer->depth;
    const int joined = g->dilation_w == 1 && depth == g->in_c;
    struct patch p;
    int32_t o;
    p.x_row = g->dilation_h * g->in_w * g->in_c;
    p.w_row = g->kernel_w * depth;
    p.x_tap = g->dilation_w * g->in_c;
    p.w_tap = depth;
    p.rows = ky.end - ky.first;
    p.taps = joined ? 1 : width;
    p.run = joined ? width * depth : depth;
    x += (row * g->in_w + column) * g->in_c + ky.first * p.x_row + kx.first * p.x_tap;
    p.w = layer->weights + ky.first * p.w_row + kx.first * p.w_tap;
    for (o = 0; o < g->out_c; o++) {
        p.x = x + o / layer->copies * depth;
        y[o] = eq_int16_finish(&layer->out, layer->out.bias[o] + dot(&p), o);
        p.w += g->kernel_h * p.w_row;
    }
}

void eq_int16_conv(const struct eq_int16_conv *layer, const int16_t *x, int16_t *y)
{
    const struct eq_window *g = &layer->window;
    int32_t n, oy, ox;
    for (n = 0; n < g->batch; n++) {
        for (oy = 0; oy < g->out_h; oy++) {
            for (ox = 0; ox < g->out_w; ox++) {
                conv_pixel(layer, x, oy * g->stride_h - g->pad_h, ox * g->stride_w - g->pad_w, y);
                y += g->out_c;
            }
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}
