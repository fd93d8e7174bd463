/* Along the last axis: L2_NORMALIZATION (output scale 1/128, zero point 0) and LOG_SOFTMAX (1/16,
   127). */
#ifndef EQ_NORMALIZE_H
#define EQ_NORMALIZE_H

#include "eq_base.h"

struct eq_l2_normalize {
    int32_t rows;
    int32_t depth;
    int8_t zero;
};

/* For a distance d from the largest input, scaled[d] is -d * scale in Q5 and exp[d] is e to that
   power in Q12; from `entries` on, both are out of reach. The multiplier leads from Q5 back to the
   input's scale. */
struct eq_log_softmax {
    int32_t rows;
    int32_t depth;
    int32_t entries;
    const int32_t *scaled;
    const int32_t *exp;
    int32_t multiplier;
    int8_t shift;
};

void eq_l2_normalize(const struct eq_l2_normalize *layer, const int8_t *x, int8_t *y);
void eq_log_softmax(const struct eq_log_softmax *layer, const int8_t *x, int8_t *y);

#endif
