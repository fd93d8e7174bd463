#include "eq_conv.h"

#include "eq_taps.h"

/* One pixel, two outputs. */
EQ_APART static void dot_1x2(const struct eq_taps *p, int32_t w_next, int32_t *acc)
{
    int32_t a0 = acc[0], a1 = acc[1];
    int32_t row, tap, k;
    for (row = 0; row < p->rows; row++) {
        for (tap = 0; tap < p->taps; tap++) {
            const int8_t *const x = p->x + row * p->x_row + tap * p->x_tap;
            const int8_t *const w0 = p->w + row * p->w_row + tap * p->w_tap;
            const int8_t *const w1 = w0 + w_next;
            for (k = 0; k < p->run; k++) {
                const int32_t v = x[k];
                a0 += v * w0[k];
                a1 += v * w1[k];
            }
        }
    }
    acc[0] = a0;
    acc[1] = a1;
}

/* Two pixels, two outputs: each load serves two products. */
EQ_APART static void dot_2x2(const struct eq_taps *p, int32_t x_next, int32_t w_next, int32_t *acc)
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

/* One image and the two outputs that start at `weights`. */
struct pair {
    const struct eq_window *g;
    const int8_t *weights;
    int32_t w_next;
    int32_t zero;
    const int32_t *bias;
    int32_t next;
};

/* The first column of a tile of `pixels` windows and the taps that lie inside the input. */
struct tile {
    int32_t row, column, pixels;
    struct eq_span ky, kx;
};

static void conv_pair(const struct pair *p, const struct tile *t, const int8_t *x, int32_t *acc)
{
    const struct eq_window *g = p->g;
    const struct eq_taps cut =
        eq_cut_taps(g, g->in_c, x, p->weights, t->row, t->column, t->ky, t->kx);
    acc[0] = p->bias[0];
    acc[1] = p->bias[p->next];
    if (!eq_is_whole(g, t->ky, t->kx)) {
        const int8_t *const w = p->weights;
        acc[0] += p->zero * eq_outside_sum(g, g->in_c, w, t->ky, t->kx);
        acc[1] += p->zero * eq_outside_sum(g, g->in_c, w + p->w_next, t->ky, t->kx);
    }
    if (t->pixels == 2) {
        dot_2x2(&cut, g->stride_w * g->in_c, p->w_next, acc);
    } else {
        dot_1x2(&cut, p->w_next, acc);
    }
}

static void conv_tile(const struct eq_conv *layer, const struct tile *t, const int8_t *x, int8_t *y)
{
    const struct eq_window *g = &layer->window;
    const int32_t next = g->out_c > 1 ? 1 : 0;
    const int32_t count = g->kernel_h * g->kernel_w * g->in_c;
    int32_t i, j;
    for (i = 0; i < g->out_c; i += 2) {
        const int32_t o = i + 1 < g->out_c || i == 0 ? i : i - 1;
        const struct pair p = {g, layer->weights + o * count, next * count, layer->in_zero,
                               layer->out.bias + o, next};
        int32_t acc[4];
        conv_pair(&p, t, x, acc);
        for (j = 0; j < t->pixels; j++) {
            int8_t *const out = y + j * g->out_c + o;
            out[0] = eq_finish(&layer->out, acc[2 * j], o);
            out[next] = eq_finish(&layer->out, acc[2 * j + 1], o + next);
        }
    }
}

/* One or two pixels at a time with all their outputs: y may lie over what is done with of x. */
static void conv_image(const struct eq_conv *layer, const int8_t *x, int8_t *y)
{
    const struct eq_window *g = &layer->window;
    const struct eq_span inside =
        eq_outputs_inside(g->out_w, g->stride_w, g->pad_w,
                          (g->kernel_w - 1) * g->dilation_w + 1, g->in_w);
    int32_t oy, ox;
    for (oy = 0; oy < g->out_h; oy++) {
        struct tile t;
        t.row = oy * g->stride_h - g->pad_h;
        t.ky = eq_taps_inside(t.row, g->dilation_h, g->kernel_h, g->in_h);
        for (ox = 0; ox < g->out_w; ox += t.pixels) {
            t.column = ox * g->stride_w - g->pad_w;
            t.kx = eq_taps_inside(t.column, g->dilation_w, g->kernel_w, g->in_w);
            t.pixels = ox >= inside.first && ox + 1 < inside.end
                               && t.ky.end - t.ky.first == g->kernel_h
                           ? 2
                           : 1;
            conv_tile(layer, &t, x, y);
            y += t.pixels * g->out_c;
        }
    }
}

void eq_conv(const struct eq_conv *layer, const int8_t *x, int8_t *y)
{
    const struct eq_window *g = &layer->window;
    int32_t n;
    for (n = 0; n < g->batch; n++) {
        conv_image(layer, x, y);
        x += g->in_h * g->in_w * g->in_c;
        y += g->out_h * g->out_w * g->out_c;
    }
}
