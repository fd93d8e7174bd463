/* Weights of few distinct values, kept as codes of one, two or four bits. */
#ifndef EQ_CODES_H
#define EQ_CODES_H

#include <stdint.h>

#include "eq_names.h"

/* `each` weights to a byte, the first in its low bits: two, four or eight. `book` holds the
   each / 2 weights that each four bits stand for. A row is so many bytes, and one more where it has
   a tail of weights that fill no byte. */
struct eq_codes {
    const uint8_t *codes;
    const int8_t *book;
    int32_t bytes;
    int8_t tail;
    int8_t each;
};

/* The weights of `rows` rows from the one of index `first` on, at `w`. */
void eq_decode(const struct eq_codes *c, int32_t first, int32_t rows, int8_t *w);

/* The weights of a row. */
static inline int32_t eq_codes_row(const struct eq_codes *c)
{
    return c->bytes * c->each + c->tail;
}

#endif
