/* CONV_2D and FULLY_CONNECTED of int16 whose sums may take 64 bits, with Helium. */
#ifndef EQ_MVE_LONG_H
#define EQ_MVE_LONG_H

#include "eq_int16.h"

/* Weights in tiles of four outputs: [tiles][2][blocks of the depth][2][8], where outputs 0 and 2
   of a tile come before 1 and 3, and noughts fill the last block and the last tile. */
struct eq_mve_long_matrix {
    int32_t depth;
    int32_t outputs;
    const int8_t *weights;
    struct eq_int16_output out;
};

/* As struct eq_mve_conv and struct eq_mve_pointwise; the window counts channels in bytes. */
struct eq_mve_long_conv {
    struct eq_window window;
    int8_t in_zero;
    int8_t columns;
    struct eq_mve_long_matrix matrix;
};

struct eq_mve_long_pointwise {
    int32_t rows;
    struct eq_mve_long_matrix matrix;
};

void eq_mve_long_conv(const struct eq_mve_long_conv *layer, const int16_t *x, int16_t *y,
                      int8_t *scratch);
void eq_mve_long_pointwise(const struct eq_mve_long_pointwise *layer, const int16_t *x, int16_t *y);

#endif
