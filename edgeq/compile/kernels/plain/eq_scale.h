/* Requantisation by two short multiplications, for outputs whose activation cuts off all that is
   negative. The compiler chose the numbers such that every accumulator that the weights permit
   gives the byte that TFLite Micro gives. */
#ifndef EQ_SCALE_H
#define EQ_SCALE_H

#include <stdint.h>

#include "eq_names.h"

/* The bias of each output, with the input's zero point; and two words for each output, or for all
   of them where `mask` is 0: the multiplier, then its limit (the lower half) and offset (the upper
   half, signed). Limits are in units of 2^limit_bits, offsets in units of 2^offset_bits from one
   half. */
struct eq_scaling {
    const int32_t *bias;
    const int32_t *scales;
    int8_t mask;
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
    uint32_t low_bits;
};

static inline struct eq_scale eq_scale_of(const struct eq_scaling *s, int32_t output)
{
    const int32_t *const words = s->scales + 2 * (output & s->mask);
    const uint32_t multiplier = (uint32_t)words[0];
    struct eq_scale q;
    q.high = multiplier >> s->low_bits;
    q.low = multiplier - (q.high << s->low_bits);
    q.limit = ((uint32_t)words[1] & 0xffffu) << s->limit_bits;
    q.offset = ((uint32_t)(words[1] >> 16) << s->offset_bits) + 0x800000u
               + ((uint32_t)(int32_t)s->min << 24);
    q.low_bits = (uint32_t)s->low_bits;
    return q;
}

/* The finished output of an accumulator, in the lowest byte. */
static inline int32_t eq_scaled(const struct eq_scale *q, int32_t acc)
{
    uint32_t a = acc < 0 ? 0 : (uint32_t)acc;
    a = a > q->limit ? q->limit : a;
    return (int32_t)((a * q->high + ((a * q->low) >> q->low_bits) + q->offset) >> 24);
}

/* Four accumulators of one output at once. */
#if defined(__thumb__) && !defined(__thumb2__) && defined(__GNUC__)
#define EQ_SCALE_ONE(acc)                                                                         \
    "asrs r6, " acc ", #31\n bics " acc ", r6\n cmp " acc ", r8\n bls 1f\n mov " acc ", r8\n1:\n" \
    "mov r6, r9\n muls r6, " acc ", r6\n lsrs r6, r0\n"                                          \
    "mov r1, r10\n muls " acc ", r1, " acc "\n adds " acc ", " acc ", r6\n"                      \
    "add " acc ", r11\n lsrs " acc ", " acc ", #24\n"

static inline void eq_scale_four(const struct eq_scale *q, int32_t *acc)
{
    register uint32_t pointer __asm__("r0") = (uint32_t)(uintptr_t)q;
    register int32_t a __asm__("r2") = acc[0];
    register int32_t b __asm__("r3") = acc[1];
    register int32_t c __asm__("r4") = acc[2];
    register int32_t d __asm__("r5") = acc[3];
    __asm__(".syntax unified\n ldr r1, [r0]\n mov r8, r1\n ldr r1, [r0, #4]\n mov r9, r1\n"
            "ldr r1, [r0, #8]\n mov r10, r1\n ldr r1, [r0, #12]\n mov r11, r1\n"
            "ldr r0, [r0, #16]\n"
            EQ_SCALE_ONE("r2") EQ_SCALE_ONE("r3") EQ_SCALE_ONE("r4") EQ_SCALE_ONE("r5")
            : "+l"(pointer), "+l"(a), "+l"(b), "+l"(c), "+l"(d)
            :
            : "r1", "r6", "r8", "r9", "r10", "r11", "cc", "memory");
    acc[0] = a;
    acc[1] = b;
    acc[2] = c;
    acc[3] = d;
}
#else
static inline void eq_scale_four(const struct eq_scale *q, int32_t *acc)
{
    acc[0] = eq_scaled(q, acc[0]);
    acc[1] = eq_scaled(q, acc[1]);
    acc[2] = eq_scaled(q, acc[2]);
    acc[3] = eq_scaled(q, acc[3]);
}
#endif

#endif
