/* Weights of few distinct values, decoded by gathers. */
#ifndef EQ_MVE_CODES_H
#define EQ_MVE_CODES_H

#include "eq_codes.h"

/* As eq_decode, for rows of a multiple of sixteen weights. Codes are read up to a multiple of
   sixteen bytes, and what is written is filled up to one of 64 weights. */
void eq_mve_decode(const struct eq_codes *c, int32_t first, int32_t rows, int8_t *w);

#endif
