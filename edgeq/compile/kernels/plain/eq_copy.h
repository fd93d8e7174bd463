/* Moving bytes: operators from CONCATENATION to TRANSPOSE are strided copies. */
#ifndef EQ_COPY_H
#define EQ_COPY_H

#include <stdint.h>

#include "eq_names.h"

/* Five loops, the last one innermost. Steps are in bytes and may be negative. */
struct eq_copy {
    int32_t from;
    int32_t to;
    int32_t size[5];
    int32_t from_step[5];
    int32_t to_step[5];
};

struct eq_fill {
    int32_t count;
    int8_t value;
};

struct eq_store {
    int32_t count;
    const int8_t *bytes;
};

void eq_copy(const struct eq_copy *layer, const int8_t *x, int8_t *y);
void eq_fill(const struct eq_fill *layer, int8_t *y);
void eq_store(const struct eq_store *layer, int8_t *y);

#endif
