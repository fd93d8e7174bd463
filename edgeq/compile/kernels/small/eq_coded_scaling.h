/* How the outputs from one on are finished; of the two ways the one that is empty stays so. */
#ifndef EQ_CODED_SCALING_H
#define EQ_CODED_SCALING_H

#include "eq_base.h"
#include "eq_scale.h"

static inline struct eq_output eq_output_from(const struct eq_output *out, int32_t o)
{
    struct eq_output part = *out;
    if (part.bias) {
        part.bias += o;
        part.multiplier += o & out->mask;
        part.shift += o & out->mask;
    }
    return part;
}

static inline struct eq_scaling eq_scaling_from(const struct eq_scaling *scaling, int32_t o)
{
    struct eq_scaling part = *scaling;
    if (part.bias) {
        part.bias += o;
        part.scales += 2 * (o & scaling->mask);
    }
    return part;
}

#endif
