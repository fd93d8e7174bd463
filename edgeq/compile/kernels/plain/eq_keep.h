/* Rows that a later stripe reads again move to the start of their buffer. */
#ifndef EQ_KEEP_H
#define EQ_KEEP_H

#include <stdint.h>

#include "eq_names.h"

struct eq_keep {
    int32_t bytes;
};

/* `to` lies below `from`; the two may overlap. */
void eq_keep(const struct eq_keep *rows, const int8_t *from, int8_t *to);

#endif
