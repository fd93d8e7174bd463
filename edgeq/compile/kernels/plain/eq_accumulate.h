/* Sums that grow: CUMSUM along an axis, ADD_N over tensors. */
#ifndef EQ_ACCUMULATE_H
#define EQ_ACCUMULATE_H

#include "eq_base.h"

/* How a sum of centred elements becomes int8; 19 bits up it may wrap in 32 bits. */
struct eq_total {
    int32_t multiplier;
    int8_t shift;
    int8_t in_zero;
    int8_t zero;
};

/* The input as [outer][depth][inner]. A sum starts at minus the zero point. */
struct eq_cumsum {
    int32_t outer;
    int32_t depth;
    int32_t inner;
    int8_t backwards;
    int8_t exclusive;
    struct eq_total out;
};

/* `first`: the sums start with this tensor. */
struct eq_add_one {
    int32_t count;
    int8_t first;
};

struct eq_add_done {
    int32_t count;
    int32_t offset;
    struct eq_total out;
};

void eq_cumsum(const struct eq_cumsum *layer, const int8_t *x, int8_t *y);

/* The sums are of 16 bits. */
void eq_add_one(const struct eq_add_one *layer, const int8_t *x, int8_t *sums);
void eq_add_done(const struct eq_add_done *layer, const int8_t *sums, int8_t *y);

#endif
