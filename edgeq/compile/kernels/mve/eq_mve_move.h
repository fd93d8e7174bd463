/* Copies of contiguous rows, and fills, sixteen bytes at once. */
#ifndef EQ_MVE_MOVE_H
#define EQ_MVE_MOVE_H

#include "eq_copy.h"

/* Both innermost steps are 1. */
void eq_mve_move(const struct eq_copy *layer, const int8_t *x, int8_t *y);
void eq_mve_fill(const struct eq_fill *layer, int8_t *y);

#endif
