/* Copying runs of bytes, forwards: the target may lie before the source and overlap it. */
#ifndef EQ_RUN_H
#define EQ_RUN_H

#include <stdint.h>

#include "eq_names.h"

/* Cores that load and store words wherever they lie. */
#if defined(__GNUC__) && (defined(__ARM_FEATURE_UNALIGNED) || defined(__x86_64__))
#define EQ_ANY_ALIGNMENT 1
typedef uint32_t __attribute__((may_alias, aligned(1))) eq_word;
#endif

static inline void eq_copy_run(const int8_t *x, int8_t *y, int32_t bytes)
{
#ifdef EQ_ANY_ALIGNMENT
    for (; bytes >= 4; bytes -= 4) {
        *(eq_word *)(void *)y = *(const eq_word *)(const void *)x;
        x += 4;
        y += 4;
    }
#endif
    for (; bytes > 0; bytes--) {
        *y++ = *x++;
    }
}

#endif
