/* How dense layers that make four outputs at once end. */
#ifndef EQ_SMALL_FINISH_H
#define EQ_SMALL_FINISH_H

#include "eq_small_dense.h"

/* y[count] of the sums from output `o` on, at most four; `q` is the scale that all outputs share,
   or null. */
static inline void eq_small_finish(const struct eq_small_dense *d, const struct eq_scale *q,
                                   int32_t o, int32_t count, int32_t *acc, int8_t *y)
{
    int32_t i;
    if (q) {
        eq_scale_four(q, acc);
    }
    for (i = 0; i < count; i++) {
        if (!q && d->scaling.bias) {
            const struct eq_scale own = eq_scale_of(&d->scaling, o + i);
            acc[i] = eq_scaled(&own, acc[i]);
        } else if (!q) {
            acc[i] = eq_finish(&d->out, acc[i], o + i);
        }
        y[i] = (int8_t)acc[i];
    }
}

#endif
