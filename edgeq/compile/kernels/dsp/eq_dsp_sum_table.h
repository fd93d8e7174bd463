/* ADD and SUB of equal shapes with a table behind them, for cores with SMLAW. */
#ifndef EQ_DSP_SUM_TABLE_H
#define EQ_DSP_SUM_TABLE_H

#include "eq_dsp_sum.h"

/* y = table[128 + what eq_dsp_sum gives]. y may be a or b. */
struct eq_dsp_sum_table {
    struct eq_dsp_sum sum;
    const int8_t *table;
};

void eq_dsp_sum_table(const struct eq_dsp_sum_table *layer, const int8_t *a, const int8_t *b,
                      int8_t *y);

#endif
