/* ADD and SUB with broadcasting, for cores with SMMULR; and with a table behind them. */
#ifndef EQ_DSP_ADD_H
#define EQ_DSP_ADD_H

#include "eq_broadcast.h"
#include "eq_dsp.h"

/* y = plain + sign * scaled, 20 bits up. `plain` has the larger scale: it is a * plain_factor +
   plain_offset, where the factor is 2^19, negative where it is subtracted. The other one is
   b * scaled_factor + scaled_offset times a factor as in eq_dsp_tile.h, and so is the result. */
struct eq_dsp_add {
    struct eq_broadcast loops;
    int32_t plain_factor, plain_offset;
    int32_t scaled_factor, scaled_offset, scaled_multiplier;
    int32_t multiplier;
    int8_t scaled_shift;
    int8_t shift;
    int8_t sign;
    int8_t zero;
    int8_t min, max;
};

/* y = table[128 + sum], from -128 to 127 whatever min and max are. */
struct eq_dsp_add_table {
    struct eq_dsp_add add;
    const int8_t *table;
};

void eq_dsp_add(const struct eq_dsp_add *layer, const int8_t *plain, const int8_t *scaled,
                int8_t *y);
void eq_dsp_add_table(const struct eq_dsp_add_table *layer, const int8_t *plain,
                      const int8_t *scaled, int8_t *y);

#endif
