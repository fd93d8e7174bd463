/* MUL with broadcasting, for cores with SMMULR; and with a table behind it. */
#ifndef EQ_DSP_PRODUCT_H
#define EQ_DSP_PRODUCT_H

#include "eq_broadcast.h"
#include "eq_dsp.h"

/* The factor is as in eq_dsp_tile.h. */
struct eq_dsp_product {
    struct eq_broadcast loops;
    int32_t multiplier;
    int8_t shift;
    int8_t a_zero, b_zero, zero;
    int8_t min, max;
};

/* y = table[128 + product], from -128 to 127 whatever min and max are. */
struct eq_dsp_product_table {
    struct eq_dsp_product product;
    const int8_t *table;
};

void eq_dsp_product(const struct eq_dsp_product *layer, const int8_t *a, const int8_t *b,
                    int8_t *y);
void eq_dsp_product_table(const struct eq_dsp_product_table *layer, const int8_t *a,
                          const int8_t *b, int8_t *y);

#endif
