/* Channels side by side in a vector: how the rows of a depthwise convolution are walked, whatever
   makes a vector of outputs from them. */
#ifndef EQ_MVE_LANES_H
#define EQ_MVE_LANES_H

#include "eq_mve_depthwise.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_lines.h"

/* Makes sixteen bytes of outputs: those of the block that starts at byte `c` of a pixel, from what
   lies `at` bytes along the rows. */
typedef int8x16_t eq_mve_make(const struct eq_mve_depthwise *d, const struct eq_mve_output *q,
                              const struct eq_mve_rows *r, int32_t at, int32_t c);

/* A row of outputs of one block: that of which the parameters start at `c`, whose bytes are `at` so
   many along the rows. `y` is where the row's go. */
EQ_MVE_INLINE void eq_mve_lanes_block(const struct eq_mve_depthwise *d,
                                      const struct eq_mve_output *q, const struct eq_mve_rows *r,
                                      int32_t c, int32_t at, int8_t *y, eq_mve_make *make)
{
    const int32_t channels = d->window.out_c, step = d->side_by_side ? 16 : 0;
    int32_t left = d->side_by_side ? d->window.out_w * channels : channels - at;
    int32_t i;
    y += at;
    for (i = 0; i < d->steps; i++) {
        vstrbq_p_s8(y, make(d, q, r, at, c), vctp8q((uint32_t)left));
        left -= step;
        at += d->x_step;
        y += d->y_step;
    }
}

/* One row of outputs. */
EQ_MVE_INLINE void eq_mve_lanes_row(const struct eq_mve_depthwise *d, const struct eq_mve_rows *r,
                                    int8_t *y, eq_mve_make *make)
{
    const struct eq_mve_output q = d->out; /* stores of bytes cannot change it */
    int32_t c;
    for (c = 0; c < d->window.out_c; c += 16) {
        eq_mve_lanes_block(d, &q, r, c, c, y, make);
    }
}

/* All rows of outputs; `scratch` holds the rows of a window, padded, and 16 bytes. */
EQ_MVE_INLINE void eq_mve_lanes(const struct eq_mve_depthwise *layer, const int8_t *x, int8_t *y,
                                int8_t *scratch, eq_mve_make *make)
{
    const struct eq_window *g = &layer->window;
    int32_t n, oy;
    for (n = 0; n < g->batch; n++) {
        struct eq_mve_lines lines;
        eq_mve_open_lines(&lines, g, scratch);
        for (oy = 0; oy < g->out_h; oy++) {
            const struct eq_mve_rows rows = {lines.row, g->dilation_w * g->in_c};
            eq_mve_aim_lines(&lines, g, layer->in_zero, x, oy);
            eq_mve_lanes_row(layer, &rows, y, make);
            y += g->out_w * g->out_c;
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}
#endif

#endif
