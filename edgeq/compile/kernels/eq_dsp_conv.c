#include "eq_dsp_conv.h"

/* A window as runs of contiguous bytes: `rows` x `taps` of them. */
struct shape {
    int32_t rows, taps, run;
    int32_t row, tap;
};

/* A tile in the making. */
struct tile {
    const struct eq_dsp_conv *layer;
    struct shape inside;
    struct shape packed;
    int32_t *wide;
    int8_t *bytes;
    int32_t pixels;
};

static void widen_four(const struct shape *s, const int8_t *x, int32_t next, int32_t *to)
{
    const int32_t quads = s->run / 4, tail = s->run & 3;
    int32_t row, tap, p;
    int32_t *rest = to + s->rows * s->taps * quads * 8;
    for (row = 0; row < s->rows; row++) {
        for (tap = 0; tap < s->taps; tap++) {
            const int8_t *const from = x + row * s->row + tap * s->tap;
            eq_dsp_widen_4(from, next, quads, to);
            to += 8 * quads;
            for (p = 0; tail && p < 4; p++) {
                eq_dsp_widen_tail(from + p * next + 4 * quads, tail, rest + p);
            }
            rest += 4 * ((tail + 1) / 2);
        }
    }
}

static void widen_one(const struct shape *s, const int8_t *x, int32_t *to)
{
    const int32_t quads = s->run / 4, tail = s->run & 3;
    int32_t row, tap;
    int32_t *rest = to + s->rows * s->taps * quads * 8;
    for (row = 0; row < s->rows; row++) {
        for (tap = 0; tap < s->taps; tap++) {
            const int8_t *const from = x + row * s->row + tap * s->tap;
            eq_dsp_widen_1(from, quads, to);
            to += 8 * quads;
            eq_dsp_widen_tail(from + 4 * quads, tail, rest);
            rest += 4 * ((tail + 1) / 2);
        }
    }
}

/* The window at (row, column), the zero point where it reaches over the border. */
static void copy_window(const struct eq_dsp_conv *layer, const int8_t *x, int32_t row,
                        int32_t column, int8_t *to)
{
    const struct eq_window *g = &layer->window;
    const int32_t depth = g->in_c;
    int32_t ky, kx, c;
    for (ky = 0; ky < g->kernel_h; ky++) {
        const int32_t iy = row + ky * g->dilation_h;
        for (kx = 0; kx < g->kernel_w; kx++) {
            const int32_t ix = column + kx * g->dilation_w;
            const int8_t *const from = x + (iy * g->in_w + ix) * depth;
            const int outside = iy < 0 || iy >= g->in_h || ix < 0 || ix >= g->in_w;
            for (c = 0; c < depth; c++) {
                *to++ = outside ? layer->in_zero : from[c];
            }
        }
    }
}

/* Computes the pixels gathered so far; returns where the next outputs go. */
static int8_t *flush(struct tile *t, int8_t *y)
{
    const struct eq_dsp_matrix *m = &t->layer->matrix;
    const int32_t count = t->pixels * m->outputs;
    int32_t p;
    if (t->pixels == 4) {
        eq_dsp_tile_4(m, t->wide, y);
    } else {
        for (p = 0; p < t->pixels; p++) {
            eq_dsp_tile_1(m, t->wide + p, y + p * m->outputs);
        }
    }
    eq_dsp_clamp(y, count, t->layer->min, t->layer->max);
    t->pixels = 0;
    return y + count;
}

/* One image; what is left of the last tile stays in it. */
static int8_t *conv_image(struct tile *t, const int8_t *x, int8_t *y)
{
    const struct eq_window *g = &t->layer->window;
    const int32_t reach_h = (g->kernel_h - 1) * g->dilation_h + 1;
    const int32_t reach_w = (g->kernel_w - 1) * g->dilation_w + 1;
    const struct eq_span rows =
        eq_outputs_inside(g->out_h, g->stride_h, g->pad_h, reach_h, g->in_h);
    const struct eq_span columns =
        eq_outputs_inside(g->out_w, g->stride_w, g->pad_w, reach_w, g->in_w);
    const int32_t next = g->stride_w * g->in_c;
    int32_t oy, ox;
    for (oy = 0; oy < g->out_h; oy++) {
        const int32_t row = oy * g->stride_h - g->pad_h;
        const int whole = rows.first <= oy && oy < rows.end;
        for (ox = 0; ox < g->out_w;) {
            const int32_t column = ox * g->stride_w - g->pad_w;
            const int inside = whole && columns.first <= ox && ox < columns.end;
            const int8_t *const from = x + (row * g->in_w + column) * g->in_c;
            if (t->pixels == 0 && inside && ox + 4 <= columns.end) {
                widen_four(&t->inside, from, next, t->wide);
                t->pixels = 4;
                ox += 4;
            } else {
                if (inside) {
                    widen_one(&t->inside, from, t->wide + t->pixels);
                } else {
                    copy_window(t->layer, x, row, column, t->bytes);
                    widen_one(&t->packed, t->bytes, t->wide + t->pixels);
                }
                t->pixels++;
                ox++;
            }
            if (t->pixels == 4) {
                y = flush(t, y);
            }
        }
    }
    return y;
}

void eq_dsp_conv(const struct eq_dsp_conv *layer, const int8_t *x, int8_t *scratch, int8_t *y)
{
    const struct eq_window *g = &layer->window;
    const int dilated = g->dilation_w > 1;
    const struct shape inside = {
        g->kernel_h, dilated ? g->kernel_w : 1, dilated ? g->in_c : g->kernel_w * g->in_c,
        g->dilation_h * g->in_w * g->in_c, g->dilation_w * g->in_c,
    };
    const struct shape packed = {
        inside.rows, inside.taps, inside.run, g->kernel_w * g->in_c, g->in_c,
    };
    struct tile t = {layer, inside, packed, (int32_t *)(void *)scratch,
                     scratch + 16 * layer->matrix.steps, 0};
    int32_t n;
    for (n = 0; n < g->batch; n++) {
        y = conv_image(&t, x, y);
        x += g->in_h * g->in_w * g->in_c;
    }
    flush(&t, y);
}
