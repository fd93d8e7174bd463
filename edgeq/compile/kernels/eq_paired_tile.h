/* Tiles of four output pixels, and the rows of input that their windows see. */
#ifndef EQ_PAIRED_TILE_H
#define EQ_PAIRED_TILE_H

#include "eq_window.h"

/* The top left corners of the windows. A tile with fewer pixels repeats its last one. */
struct eq_tile {
    int32_t count;
    int32_t row[4];
    int32_t column[4];
};

/* The output pixels in order, row by row. */
struct eq_walk {
    int32_t oy;
    int32_t ox;
};

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
    }
    return t;
}

/* The taps of one row of a window, kernel_w * in_c bytes: in the input itself where they lie
   together, else gathered in `staged` with the zero point in place of the border. */
static inline const int8_t *eq_window_row(const struct eq_window *g, int32_t zero, const int8_t *x,
                                          int32_t row, int32_t column, int8_t *staged)
{
    const int32_t c = g->in_c, step = g->dilation_w;
    int8_t *out = staged;
    int32_t tap, k;
    if (row >= 0 && row < g->in_h && column >= 0 && step == 1 && column + g->kernel_w <= g->in_w) {
        return x + (row * g->in_w + column) * c;
    }
    for (tap = 0; tap < g->kernel_w; tap++) {
        const int32_t j = column + tap * step;
        const int inside = row >= 0 && row < g->in_h && j >= 0 && j < g->in_w;
        const int8_t *const pixel = x + (row * g->in_w + j) * c;
        for (k = 0; k < c; k++) {
            *out++ = inside ? pixel[k] : (int8_t)zero;
        }
    }
    return staged;
}

#endif
