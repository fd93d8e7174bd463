/* The part of a pooling window that lies inside the input. */
#ifndef EQ_PATCH_H
#define EQ_PATCH_H

#include "eq_window.h"

struct eq_patch {
    const int8_t *x;
    int32_t rows, columns;
    int32_t row_bytes, pixel_bytes;
};

static inline struct eq_patch eq_cut_patch(const struct eq_window *g, const int8_t *x, int32_t oy,
                                           int32_t ox)
{
    const int32_t row = oy * g->stride_h - g->pad_h, column = ox * g->stride_w - g->pad_w;
    const struct eq_span ky = eq_taps_inside(row, 1, g->kernel_h, g->in_h);
    const struct eq_span kx = eq_taps_inside(column, 1, g->kernel_w, g->in_w);
    struct eq_patch cut;
    cut.rows = ky.end - ky.first;
    cut.columns = kx.end - kx.first;
    cut.pixel_bytes = g->in_c;
    cut.row_bytes = g->in_w * g->in_c;
    cut.x = x + (row + ky.first) * cut.row_bytes + (column + kx.first) * cut.pixel_bytes;
    return cut;
}

#endif
