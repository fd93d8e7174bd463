#include "eq_dsp_transposed.h"

#include "eq_dsp_border.h"

/* What an output reads along an axis: `taps` inputs from `first` on. */
struct reads {
    int32_t first, taps;
};

static struct reads reads_of(int32_t at, int32_t stride, int32_t kernel)
{
    const int32_t tap = at % stride;
    struct reads r;
    r.taps = tap < kernel ? (kernel - tap + stride - 1) / stride : 1;
    r.first = at / stride - (r.taps - 1);
    return r;
}

/* Some outputs of a row in the making: every stride_w-th. */
struct part {
    const struct eq_dsp_transposed *layer;
    struct eq_dsp_matrix matrix;
    struct eq_dsp_runs runs;
    struct reads rows, columns;
    int32_t outputs;
};

static void widen(const struct part *p, const int8_t *x, int32_t row, int32_t pixels, int32_t *wide)
{
    struct eq_dsp_runs runs = p->runs;
    runs.step = row;
    eq_dsp_widen(&runs, x, pixels, p->layer->window.in_c, wide, wide + 8 * runs.quads * runs.count);
}

/* Where there are four outputs, the last tile begins inside the one before. */
static void make_part(const struct part *p, const int8_t *x, int32_t *wide, int8_t *bytes,
                      int8_t *y)
{
    const struct eq_window *g = &p->layer->window;
    const int32_t depth = g->in_c, in_row = g->in_w * depth;
    const int32_t row = p->rows.first, rows = p->rows.taps;
    const int32_t pixels = p->outputs < 4 ? p->outputs : 4, columns = p->columns.taps + pixels - 1;
    const int whole = row >= 0 && row + rows <= g->in_h;
    int32_t left;
    for (left = p->outputs; left > 0; left -= 4) {
        const int32_t at = p->outputs - (left < pixels ? pixels : left);
        const int32_t column = p->columns.first + at;
        if (whole && column >= 0 && column + columns <= g->in_w) {
            widen(p, x + row * in_row + column * depth, in_row, pixels, wide);
        } else {
            eq_dsp_border(g, p->layer->in_zero, x, row, column, rows, 1, columns, bytes);
            widen(p, bytes, columns * depth, pixels, wide);
        }
        eq_dsp_tile(&p->matrix, wide, pixels, y + at * p->matrix.outputs);
    }
}

/* Sets what the outputs at (row, column) and its like are made with; returns the next stream. */
static const int32_t *set_part(struct part *p, int32_t row, int32_t column, const int32_t *stream)
{
    const struct eq_window *g = &p->layer->window;
    int32_t run;
    p->rows = reads_of(row + g->pad_h, g->stride_h, g->kernel_h);
    p->columns = reads_of(column + g->pad_w, g->stride_w, g->kernel_w);
    p->outputs = (g->out_w - column + g->stride_w - 1) / g->stride_w;
    run = p->columns.taps * g->in_c;
    p->runs.count = p->rows.taps;
    p->runs.quads = run / 4;
    p->runs.tail = run & 3;
    p->matrix.steps = 2 * p->runs.quads * p->runs.count + eq_dsp_tails(&p->runs);
    p->matrix.stream = stream;
    return stream + (g->out_c + 1) / 2 * (p->matrix.steps + 5);
}

static void make_row(struct part *p, int32_t row, const int8_t *x, int8_t *scratch, int8_t *y)
{
    const struct eq_window *g = &p->layer->window;
    const int32_t turns = g->stride_w < g->out_w ? g->stride_w : g->out_w;
    const int32_t *stream = p->layer->matrix.stream;
    int32_t i, j;
    for (i = 0; i < row % g->stride_h; i++) {
        for (j = 0; j < turns; j++) {
            stream = set_part(p, i, j, stream);
        }
    }
    for (j = 0; j < turns; j++) {
        stream = set_part(p, row, j, stream);
        make_part(p, x, (int32_t *)(void *)scratch, scratch + 16 * p->layer->matrix.steps,
                  y + j * g->out_c);
    }
}

void eq_dsp_transposed(const struct eq_dsp_transposed *layer, const int8_t *x, int8_t *scratch,
                       int8_t *y)
{
    const struct eq_window *g = &layer->window;
    struct part part;
    int32_t n, row;
    part.layer = layer;
    part.matrix = layer->matrix;
    for (n = 0; n < g->batch; n++) {
        for (row = 0; row < g->out_h; row++) {
            make_row(&part, row, x, scratch, y);
            y += g->out_w * g->out_c;
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}
