/* CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED of few distinct weights with Helium. */
#ifndef EQ_CODED_MVE_H
#define EQ_CODED_MVE_H

#include "eq_mve_codes.h"
#include "eq_mve_conv.h"
#include "eq_mve_depthwise.h"

/* A row of codes holds a tile of four outputs, as eq_mve_matrix.h has it; the weights that are
   decoded at once take `decoded` bytes. */
struct eq_coded_mve_conv {
    struct eq_codes weights;
    int32_t decoded;
    struct eq_mve_conv conv;
};

struct eq_coded_mve_pointwise {
    struct eq_codes weights;
    int32_t decoded;
    int32_t step; /* rows */
    struct eq_mve_pointwise product;
};

/* One row of inputs, multiplied by codes as they are read. A row of codes holds four outputs, or
   eight where codes have one bit: for each sixteen inputs so many bytes, one after the other, of
   which each holds the codes of neighbouring outputs. `matrix` has no weights. */
struct eq_coded_mve_row {
    struct eq_codes weights;
    struct eq_mve_matrix matrix;
};

/* A row of codes holds a block of channels; the weights that are decoded at once take `decoded`
   bytes, a multiple of 64. */
struct eq_coded_mve_depthwise {
    struct eq_codes weights;
    int32_t decoded;
    struct eq_mve_depthwise depthwise;
};

/* `scratch` holds decoded weights; then the rows of a step, or what the kernel of int8 asks for. */
void eq_coded_mve_conv(const struct eq_coded_mve_conv *layer, const int8_t *x, int8_t *y,
                       int8_t *scratch);
void eq_coded_mve_row(const struct eq_coded_mve_row *layer, const int8_t *x, int8_t *y);
void eq_coded_mve_pointwise(const struct eq_coded_mve_pointwise *layer, const int8_t *x,
                            int8_t *y, int8_t *scratch);
void eq_coded_mve_depthwise(const struct eq_coded_mve_depthwise *layer, const int8_t *x,
                            int8_t *y, int8_t *scratch);

/* The same, but a tile of the weights is decoded for the windows that are gathered at a time. */
void eq_coded_mve_windows(const struct eq_coded_mve_conv *layer, const int8_t *x, int8_t *y,
                          int8_t *scratch);

/* And for each step, whose rows are copied first: outputs may take their place. */
void eq_coded_mve_steps(const struct eq_coded_mve_pointwise *layer, const int8_t *x, int8_t *y,
                        int8_t *scratch);

/* And a block's weights are decoded for each row of outputs. */
void eq_coded_mve_blocks(const struct eq_coded_mve_depthwise *layer, const int8_t *x, int8_t *y,
                         int8_t *scratch);

#endif
