/* Two tensors, element by element: extremes, comparisons, PRELU and SQUARED_DIFFERENCE. */
#ifndef EQ_PAIRS_H
#define EQ_PAIRS_H

#include "eq_base.h"
#include "eq_broadcast.h"

struct eq_rescale {
    int32_t multiplier;
    int8_t shift;
    int8_t zero;
};

/* MAXIMUM and LOGICAL_OR with `least` 0, MINIMUM and LOGICAL_AND with 1. */
struct eq_extreme {
    struct eq_broadcast loops;
    int8_t least;
};

/* Bit 0, 1 and 2 of `truth`: the result where a is less than, equal to and greater than b. */
struct eq_compare {
    struct eq_broadcast loops;
    struct eq_rescale a;
    struct eq_rescale b;
    int8_t truth;
};

struct eq_prelu {
    struct eq_broadcast loops;
    int8_t x_zero;
    int8_t slope_zero;
    struct eq_rescale rest;
    struct eq_rescale slope;
};

struct eq_difference {
    struct eq_broadcast loops;
    struct eq_rescale a;
    struct eq_rescale b;
    struct eq_rescale out;
};

void eq_extreme(const struct eq_extreme *layer, const int8_t *a, const int8_t *b, int8_t *y);
void eq_compare(const struct eq_compare *layer, const int8_t *a, const int8_t *b, int8_t *y);
void eq_prelu(const struct eq_prelu *layer, const int8_t *x, const int8_t *slope, int8_t *y);
void eq_difference(const struct eq_difference *layer, const int8_t *a, const int8_t *b, int8_t *y);

#endif
