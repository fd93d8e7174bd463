/* CONV_2D of any kernel, stride, dilation and padding with Helium. */
#ifndef EQ_MVE_CONV_H
#define EQ_MVE_CONV_H

#include "eq_mve_matrix.h"
#include "eq_window.h"

/* Outside the input every tap reads `in_zero`. The windows of `columns` pixels are gathered before
   they are multiplied; those of a kernel one tap high are multiplied where they lie. */
struct eq_mve_conv {
    struct eq_window window;
    int8_t in_zero;
    int8_t columns;
    struct eq_mve_matrix matrix;
};

/* A 1x1 kernel with stride 1: rows by a matrix. */
struct eq_mve_pointwise {
    int32_t rows;
    struct eq_mve_matrix matrix;
};

/* `scratch` holds the rows of a window as eq_mve_lines.h has them, the windows, and 16 bytes. */
void eq_mve_conv(const struct eq_mve_conv *layer, const int8_t *x, int8_t *y, int8_t *scratch);
void eq_mve_pointwise(const struct eq_mve_pointwise *layer, const int8_t *x, int8_t *y);

#endif
