#include "eq_dsp16_channels.h"
#include "eq_dsp.h"
#include "eq_dsp16_output.h"

/* The part of a window that lies inside the input, of four channels; steps in elements. */
struct part {
    const int16_t *x;
    const int32_t *weights;
    int32_t rows, taps;
    int32_t x_row, x_tap;
    int32_t w_row, w_tap;
};

/* sums[4] += the products of a part. */
static void add_part(const struct part *p, int32_t *sums)
{
    int32_t a = sums[0], b = sums[1], c = sums[2], d = sums[3], row, tap;
    for (row = 0; row < p->rows; row++) {
        const int16_t *x = p->x + row * p->x_row;
        const int32_t *w = p->weights + row * p->w_row;
        for (tap = p->taps; tap > 0; tap--) {
            const int32_t x01 = eq_dsp16_two(x), x23 = eq_dsp16_two(x + 2);
            const int32_t w01 = eq_dsp_sxtb16(*w), w23 = eq_dsp_sxtb16_8(*w);
            a += (int16_t)x01 * (int16_t)w01;
            b += (x01 >> 16) * (w01 >> 16);
            c += (int16_t)x23 * (int16_t)w23;
            d += (x23 >> 16) * (w23 >> 16);
            x += p->x_tap;
            w += p->w_tap;
        }
    }
    sums[0] = a;
    sums[1] = b;
    sums[2] = c;
    sums[3] = d;
}

static void make_four(const struct eq_int16_output *q, const struct part *p, int32_t first,
                      int16_t *y)
{
    int32_t sums[4], i;
    for (i = 0; i < 4; i++) {
        sums[i] = (int32_t)q->bias[first + i];
    }
    add_part(p, sums);
    for (i = 0; i < 4; i++) {
        y[i] = eq_dsp16_finish(q, sums[i], eq_dsp16_multiplier(q, first + i), first + i);
    }
}

/* All channels of one pixel; what lies outside the input is nought. */
static void make_pixel(const struct eq_dsp16_channels *layer, const int16_t *x, int32_t row,
                       int32_t column, int16_t *y)
{
    const struct eq_window *g = &layer->window;
    const struct eq_span ky = eq_taps_inside(row, g->dilation_h, g->kernel_h, g->in_h);
    const struct eq_span kx = eq_taps_inside(column, g->dilation_w, g->kernel_w, g->in_w);
    const int32_t channels = g->in_c, fours = (channels + 3) >> 2;
    struct part p;
    int32_t i;
    p.rows = ky.end - ky.first;
    p.taps = kx.end - kx.first;
    p.x_tap = g->dilation_w * channels;
    p.x_row = g->dilation_h * g->in_w * channels;
    p.w_tap = fours;
    p.w_row = g->kernel_w * fours;
    x += (row * g->in_w + column) * channels + ky.first * p.x_row + kx.first * p.x_tap;
    p.weights = layer->weights + ky.first * p.w_row + kx.first * p.w_tap;
    for (i = 0; i < fours; i++, p.weights++) {
        const int32_t first = 4 * i + 4 > channels ? channels - 4 : 4 * i;
        p.x = x + first;
        make_four(&layer->out, &p, first, y + first);
    }
}

void eq_dsp16_channels(const struct eq_dsp16_channels *layer, const int16_t *x, int16_t *y)
{
    const struct eq_window *g = &layer->window;
    int32_t n, oy, ox;
    for (n = 0; n < g->batch; n++) {
        for (oy = 0; oy < g->out_h; oy++) {
            for (ox = 0; ox < g->out_w; ox++) {
                make_pixel(layer, x, oy * g->stride_h - g->pad_h, ox * g->stride_w - g->pad_w, y);
                y += g->out_c;
            }
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}
