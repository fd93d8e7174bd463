/* Requantisation by two short multiplications, for outputs whose activation cuts off all that is
   negative. The compiler chose the numbers such that every accumulator that the weights permit gives
   the byte that TFLite Micro gives. */
#ifndef EQ_SCALE_H
#define EQ_SCALE_H

#include <stdint.h>

#include "eq_names.h"

/* Three words for each output: its bias with the input's zero point, its multiplier, and its limit
   (the lower half) and offset (the upper half, signed). Limits are in units of 2^limit_bits, offsets
   in units of 2^offset_bits from one half. */
struct eq_scaling {
    const int32_t *outputs;
    int8_t low_bits;
    int8_t limit_bits;
    int8_t offset_bits;
    int8_t min;
};

/* One output's scaling, unpacked: the multiplier is high * 2^low_bits + low. */
struct eq_scale {
    uint32_t limit;
    uint32_t low;
    uint32_t high;
    uint32_t offset;
};

static inline struct eq_scale eq_scale_of(const struct eq_scaling *s, const int32_t *words)
{
    const uint32_t multiplier = (uint32_t)words[1];
    struct eq_scale q;
    q.high = multiplier >> s->low_bits;
    q.low = multiplier - (q.high << s->low_bits);
    q.limit = ((uint32_t)words[2] & 0xffffu) << s->limit_bits;
    q.offset = ((uint32_t)(words[2] >> 16) << s->offset_bits) + 0x800000u
               + ((uint32_t)(int32_t)s->min << 24);
    return q;
}

/* The finished output of an accumulator, in the lowest byte. */
static inline uint32_t eq_scaled(const struct eq_scale *q, int32_t low_bits, int32_t acc)
{
    uint32_t a = acc < 0 ? 0 : (uint32_t)acc;
    a = a > q->limit ? q->limit : a;
    return (a * q->high + ((a * q->low) >> low_bits) + q->offset) >> 24;
}

#endif
