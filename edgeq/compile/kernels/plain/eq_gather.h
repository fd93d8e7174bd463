/* Picking: places that a tensor holds (GATHER), or that are known beforehand. */
#ifndef EQ_GATHER_H
#define EQ_GATHER_H

#include <stdint.h>

#include "eq_names.h"

/* In each of [batches][outer] blocks, `count` runs of bytes. A place has `depth` indices; index d
   lies in 0 .. last[d] and is worth step[d] bytes. Each batch has places of its own. */
struct eq_gather {
    int32_t batches;
    int32_t outer;
    int32_t count;
    int32_t depth;
    int32_t last[5];
    int32_t step[5];
    int32_t block;
    int32_t run;
};

/* y[i][j][k] = x[place i + place j + place k], runs of bytes; `places` holds the three lists one
   behind the other, in bytes. */
struct eq_pick {
    int32_t size[3];
    int32_t run;
    const int32_t *places;
};

void eq_gather(const struct eq_gather *layer, const int8_t *x, const int32_t *places, int8_t *y);
void eq_pick(const struct eq_pick *layer, const int8_t *x, int8_t *y);

#endif
