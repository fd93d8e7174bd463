/* Four int8 in a register: what cores with the DSP extension do to them in an instruction or two,
   and the same in C for the others. */
#ifndef EQ_DSP_BYTES_H
#define EQ_DSP_BYTES_H

#include <stdint.h>

#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define EQ_DSP_ASM 1
#endif

#ifdef EQ_DSP_ASM
struct eq_unaligned {
    uint32_t word;
} __attribute__((packed, may_alias));
#endif

/* Four bytes at any address. */
static inline uint32_t eq_load_four(const int8_t *x)
{
#ifdef EQ_DSP_ASM
    return ((const struct eq_unaligned *)(const void *)x)->word;
#else
    return (uint32_t)(x[0] & 0xff) | (uint32_t)(x[1] & 0xff) << 8 | (uint32_t)(x[2] & 0xff) << 16
           | (uint32_t)(x[3] & 0xff) << 24;
#endif
}

static inline void eq_store_four(int8_t *y, uint32_t four)
{
#ifdef EQ_DSP_ASM
    ((struct eq_unaligned *)(void *)y)->word = four;
#else
    y[0] = (int8_t)(four & 0xff);
    y[1] = (int8_t)(four >> 8 & 0xff);
    y[2] = (int8_t)(four >> 16 & 0xff);
    y[3] = (int8_t)(four >> 24);
#endif
}

/* Adds bytes 0 and 2 to the int16 halves of `halves`. */
static inline uint32_t eq_add_even_bytes(uint32_t halves, uint32_t four)
{
#ifdef EQ_DSP_ASM
    __asm__("sxtab16 %0, %0, %1" : "+r"(halves) : "r"(four));
    return halves;
#else
    const uint32_t low = halves + (uint32_t)(int8_t)(four & 0xff);
    const uint32_t high = (halves >> 16) + (uint32_t)(int8_t)(four >> 16 & 0xff);
    return (low & 0xffff) | high << 16;
#endif
}

/* Adds bytes 1 and 3. */
static inline uint32_t eq_add_odd_bytes(uint32_t halves, uint32_t four)
{
#ifdef EQ_DSP_ASM
    __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(halves) : "r"(four));
    return halves;
#else
    return eq_add_even_bytes(halves, four >> 8);
#endif
}

/* Each byte of `a` where it is the larger int8, `larger` 1, or the smaller one, `larger` 0. */
static inline uint32_t eq_choose_bytes(uint32_t a, uint32_t b, int larger)
{
    uint32_t chosen = 0, shift;
    for (shift = 0; shift < 32; shift += 8) {
        const int8_t p = (int8_t)(a >> shift & 0xff), q = (int8_t)(b >> shift & 0xff);
        chosen |= (uint32_t)(((p > q) == larger ? p : q) & 0xff) << shift;
    }
    return chosen;
}

static inline uint32_t eq_larger_bytes(uint32_t a, uint32_t b)
{
#ifdef EQ_DSP_ASM
    uint32_t larger;
    __asm__("ssub8 %0, %1, %2\n"
            "sel %0, %1, %2\n"
            : "=&r"(larger)
            : "r"(a), "r"(b)
            : "cc");
    return larger;
#else
    return eq_choose_bytes(a, b, 1);
#endif
}

static inline uint32_t eq_smaller_bytes(uint32_t a, uint32_t b)
{
#ifdef EQ_DSP_ASM
    uint32_t smaller;
    __asm__("ssub8 %0, %1, %2\n"
            "sel %0, %2, %1\n"
            : "=&r"(smaller)
            : "r"(a), "r"(b)
            : "cc");
    return smaller;
#else
    return eq_choose_bytes(a, b, 0);
#endif
}

#endif
