/* The parts of a paired convolution that do not depend on how the taps are packed. */
#ifndef EQ_PAIRED_TILE_H
#define EQ_PAIRED_TILE_H

#include "eq_paired.h"

/* Four output pixels: the top left corners of their windows, where those lie in the input, and
   whether all columns are inside. A tile with fewer pixels repeats its last. */
struct eq_tile {
    int32_t count;
    int32_t row[4];
    int32_t column[4];
    int32_t at[4];
    int32_t whole[4];
};

/* The output pixels in order, row by row. */
struct eq_walk {
    int32_t oy;
    int32_t ox;
};

/* What the outputs of a tile share: its packed taps, and where its pixels go. */
struct eq_job {
    const struct eq_paired *layer;
    const uint32_t *columns;
    const uint32_t *end;
    int32_t count;
    int8_t *y;
};

/* Packs the taps of four pixels, `run` of each, two by two; returns the end of what it wrote. */
typedef uint32_t *eq_pack_function(uint32_t *out, const int8_t *const *row, int32_t run);

/* acc[pixel] = bias + the sum of output `o`, for the four pixels of the job, then those of the
   output after it where `next` is 1. */
typedef void eq_sum_function(const struct eq_job *job, int32_t o, int32_t next,
                             const int32_t *bias, int32_t *acc);

static inline struct eq_tile eq_next_tile(const struct eq_window *g, struct eq_walk *at)
{
    struct eq_tile t;
    int32_t i;
    t.count = 0;
    for (i = 0; i < 4; i++) {
        if (at->oy < g->out_h) {
            t.row[i] = at->oy * g->stride_h - g->pad_h;
            t.column[i] = at->ox * g->stride_w - g->pad_w;
            t.count++;
            at->ox++;
            if (at->ox == g->out_w) {
                at->ox = 0;
                at->oy++;
            }
        } else {
            t.row[i] = t.row[i - 1];
            t.column[i] = t.column[i - 1];
        }
        t.at[i] = (t.row[i] * g->in_w + t.column[i]) * g->in_c;
        t.whole[i] = t.column[i] >= 0 && g->dilation_w == 1 && t.column[i] + g->kernel_w <= g->in_w;
    }
    return t;
}

/* Gathers the taps of one row of a window, with the zero point in place of what lies outside. */
EQ_APART static const int8_t *eq_stage_row(const struct eq_paired *p, const int8_t *x, int32_t row,
                                           int32_t column, int8_t *staged)
{
    const struct eq_window *g = &p->window;
    const int32_t c = g->in_c;
    int8_t *out = staged;
    int32_t tap, k;
    for (tap = 0; tap < g->kernel_w; tap++) {
        const int32_t j = column + tap * g->dilation_w;
        const int inside = row >= 0 && row < g->in_h && j >= 0 && j < g->in_w;
        const int8_t *const pixel = inside ? x + (row * g->in_w + j) * c : x;
        for (k = 0; k < c; k++) {
            *out++ = inside ? pixel[k] : p->in_zero;
        }
    }
    return staged;
}

/* Packs all taps of a tile into [columns, end); what the depth is filled up with reads noughts. */
static inline void eq_pack_tile(const struct eq_job *job, struct eq_tile *t, const int8_t *x,
                                uint32_t *columns, eq_pack_function *pack)
{
    static const int8_t none[2] = {0, 0};
    const struct eq_window *g = &job->layer->window;
    const int32_t run = g->kernel_w * g->in_c, step = g->dilation_h * g->in_w * g->in_c;
    int8_t *const staged = (int8_t *)(uintptr_t)job->end;
    const int8_t *row[4];
    int32_t ky, i;
    for (ky = 0; ky < g->kernel_h; ky++) {
        for (i = 0; i < 4; i++) {
            const int inside = t->whole[i] && t->row[i] >= 0 && t->row[i] < g->in_h;
            if (inside) {
                row[i] = x + t->at[i];
            } else {
                row[i] = eq_stage_row(job->layer, x, t->row[i], t->column[i], staged + i * run);
            }
            t->row[i] += g->dilation_h;
            t->at[i] += step;
        }
        columns = pack(columns, row, run);
    }
    if (columns != job->end) {
        row[0] = row[1] = row[2] = row[3] = none;
        pack(columns, row, 2);
    }
}

/* Puts one output of each of the job's pixels `step` bytes apart. */
static inline void eq_put_pixels(const int32_t *v, int32_t count, int32_t step, int8_t *y)
{
    y[0] = (int8_t)v[0];
    if (count == 4) {
        y[step] = (int8_t)v[1];
        y[2 * step] = (int8_t)v[2];
        y[3 * step] = (int8_t)v[3];
        return;
    }
    if (count > 1) {
        y[step] = (int8_t)v[1];
    }
    if (count > 2) {
        y[2 * step] = (int8_t)v[2];
    }
}

static inline void eq_finish_pixels(const struct eq_job *job, const struct eq_scaling *s, int32_t o,
                                    int32_t *acc)
{
    const int32_t outputs = job->layer->window.out_c;
    if (s->bias) {
        const struct eq_scale q = eq_scale_of(s, o);
        eq_scale_four(&q, acc);
    } else {
        int32_t i;
        for (i = 0; i < 4; i++) {
            acc[i] = eq_finish(&job->layer->out, acc[i], o);
        }
    }
    eq_put_pixels(acc, job->count, outputs, job->y + o);
}

/* `group` outputs at a time: one or two. */
static inline void eq_compute_tile(const struct eq_job *job, int32_t group, eq_sum_function *sum)
{
    const struct eq_scaling s = job->layer->scaling;
    const int32_t *const bias = s.bias ? s.bias : job->layer->out.bias;
    const int32_t outputs = job->layer->made;
    int32_t o, i;
    for (o = 0; o < outputs; o += group) {
        const int32_t next = o + group <= outputs ? group - 1 : 0;
        int32_t acc[8];
        sum(job, o, next, bias, acc);
        for (i = 0; i <= next; i++) {
            eq_finish_pixels(job, &s, o + i, acc + 4 * i);
        }
    }
}

/* The whole layer; a chunk of two taps takes `chunk` words, and `sum` a group of outputs. */
static inline void eq_run_paired(const struct eq_paired *layer, int32_t chunk, int32_t group,
                                 int8_t *scratch, const int8_t *x, int8_t *y,
                                 eq_pack_function *pack, eq_sum_function *sum)
{
    const struct eq_window *g = &layer->window;
    uint32_t *const columns = (uint32_t *)(void *)scratch;
    struct eq_job job = {layer, columns, columns + layer->depth / 2 * chunk, 0, y};
    int32_t n;
    for (n = 0; n < g->batch; n++) {
        struct eq_walk at = {0, 0};
        while (at.oy < g->out_h) {
            struct eq_tile tile = eq_next_tile(g, &at);
            eq_pack_tile(&job, &tile, x, columns, pack);
            job.count = tile.count;
            eq_compute_tile(&job, group, sum);
            job.y += tile.count * g->out_c;
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}

#endif
