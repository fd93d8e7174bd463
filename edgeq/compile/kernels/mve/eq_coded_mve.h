/* CONV_2D, DEPTHWISE_CONV_2D and FULLY_CONNECTED with weights of few distinct values with Helium. */
#ifndef EQ_CODED_MVE_H
#define EQ_CODED_MVE_H

#include "eq_codes.h"
#include "eq_mve_conv.h"
#include "eq_mve_depthwise.h"

/* A row of codes holds a tile of four outputs, as eq_mve_matrix.h has it; `chunk` outputs are made
   at a time. */
struct eq_coded_mve_conv {
    struct eq_codes weights;
    int32_t chunk;
    struct eq_mve_conv conv;
};

struct eq_coded_mve_pointwise {
    struct eq_codes weights;
    int32_t chunk;
    struct eq_mve_pointwise product;
};

/* A row of codes holds a block of channels; so many `blocks` are decoded at once. */
struct eq_coded_mve_depthwise {
    struct eq_codes weights;
    int32_t blocks;
    struct eq_mve_depthwise depthwise;
};

/* `scratch` holds the weights of a chunk, or of all blocks; then what the kernel asks for. */
void eq_coded_mve_conv(const struct eq_coded_mve_conv *layer, const int8_t *x, int8_t *y,
                       int8_t *scratch);
void eq_coded_mve_pointwise(const struct eq_coded_mve_pointwise *layer, const int8_t *x,
                            int8_t *y, int8_t *scratch);
void eq_coded_mve_depthwise(const struct eq_coded_mve_depthwise *layer, const int8_t *x,
                            int8_t *y, int8_t *scratch);

#endif
