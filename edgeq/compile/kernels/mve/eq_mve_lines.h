/* The input rows under a row of windows, padded, in a ring of scratch memory. What is copied may be
   overwritten by outputs. */
#ifndef EQ_MVE_LINES_H
#define EQ_MVE_LINES_H

#include "eq_window.h"

/* row[i] is row i of the windows, from their first column: `pitch` bytes. */
struct eq_mve_lines {
    const int8_t **row;
    int8_t *buffer;
    int32_t reach;
    int32_t pitch;
    int32_t copied;
};

/* `scratch` begins with the pointers and the ring; returns what is behind them, and 16 bytes. */
int8_t *eq_mve_open_lines(struct eq_mve_lines *l, const struct eq_window *g, int8_t *scratch);

/* Sets the rows for row `oy` of outputs of the image `x`, rising from nought. */
void eq_mve_aim_lines(struct eq_mve_lines *l, const struct eq_window *g, int8_t zero,
                      const int8_t *x, int32_t oy);

#endif
