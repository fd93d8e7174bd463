/* Pairs of int16 in 32-bit words, for cores with the DSP extension; and the same in plain C. */
#ifndef EQ_DSP_H
#define EQ_DSP_H

#include "eq_base.h"

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && defined(__GNUC__)
#define EQ_DSP_ASM 1
/* GCC must conclude nothing from a body that it does not read. */
#if defined(__clang__)
#define EQ_DSP_NAKED __attribute__((naked, noinline))
#else
#define EQ_DSP_NAKED __attribute__((naked, noinline, noipa))
#endif
#define EQ_UNUSED __attribute__((unused))
#endif

/* For what constant arguments make short. */
#if defined(__GNUC__)
#define EQ_DSP_INLINE static inline __attribute__((always_inline))
#else
#define EQ_DSP_INLINE static inline
#endif

/* Two int16 in a word. */
static inline int32_t eq_dsp_pair(int32_t low, int32_t high)
{
    return (int32_t)(((uint32_t)low & 0xffffu) | ((uint32_t)high << 16));
}

#ifdef EQ_DSP_ASM

/* sum + x0 * y0 + x1 * y1. */
static inline int32_t eq_dsp_smlad(int32_t x, int32_t y, int32_t sum)
{
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(x), "r"(y));
    return sum;
}

/* Bytes 0 and 2, widened. */
static inline int32_t eq_dsp_sxtb16(int32_t x)
{
    __asm__("sxtb16 %0, %1" : "=r"(x) : "r"(x));
    return x;
}

/* Bytes 1 and 3, widened. */
static inline int32_t eq_dsp_sxtb16_8(int32_t x)
{
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(x) : "r"(x));
    return x;
}

static inline int32_t eq_dsp_sadd16(int32_t x, int32_t y)
{
    __asm__("sadd16 %0, %1, %2" : "=r"(x) : "r"(x), "r"(y));
    return x;
}

static inline int32_t eq_dsp_ssub16(int32_t x, int32_t y)
{
    __asm__("ssub16 %0, %1, %2" : "=r"(x) : "r"(x), "r"(y));
    return x;
}

/* Four bytes at any address, as a word. */
static inline int32_t eq_dsp_load(const int8_t *x)
{
    int32_t word;
    __asm__("ldr %0, %1" : "=r"(word) : "m"(*(const int32_t(*)[1])(const void *)x));
    return word;
}

static inline void eq_dsp_store(int8_t *y, int32_t word)
{
    __asm__("str %1, %0" : "=m"(*(int32_t(*)[1])(void *)y) : "r"(word));
}

/* acc * (multiplier + 2^32) * 2^-(33 + shift), rounded as eq_requantize does, with a zero point. */
static inline int8_t eq_dsp_finish(int32_t acc, int32_t multiplier, int32_t shift, int32_t zero)
{
    __asm__("smmlar %0, %0, %1, %0\n\t"
            "add %0, %0, %0, asr #31\n\t"
            "asrs %0, %0, %2\n\t"
            "adc %0, %0, %3\n\t"
            "ssat %0, #8, %0"
            : "+&r"(acc)
            : "r"(multiplier), "r"(shift), "r"(zero)
            : "cc");
    return (int8_t)acc;
}

/* The same without a zero point, in 32 bits. */
static inline int32_t eq_dsp_scale(int32_t acc, int32_t multiplier, int32_t shift)
{
    __asm__("smmlar %0, %0, %1, %0\n\t"
            "add %0, %0, %0, asr #31\n\t"
            "asrs %0, %0, %2\n\t"
            "adc %0, %0, #0"
            : "+&r"(acc)
            : "r"(multiplier), "r"(shift)
            : "cc");
    return acc;
}

#else

static inline int32_t eq_dsp_smlad(int32_t x, int32_t y, int32_t sum)
{
    return sum + (int16_t)x * (int16_t)y + (x >> 16) * (y >> 16);
}

static inline int32_t eq_dsp_sxtb16(int32_t x)
{
    return eq_dsp_pair((int8_t)x, (int8_t)(x >> 16));
}

static inline int32_t eq_dsp_sxtb16_8(int32_t x)
{
    return eq_dsp_sxtb16(x >> 8);
}

static inline int32_t eq_dsp_sadd16(int32_t x, int32_t y)
{
    return eq_dsp_pair((int16_t)x + (int16_t)y, (x >> 16) + (y >> 16));
}

static inline int32_t eq_dsp_ssub16(int32_t x, int32_t y)
{
    return eq_dsp_pair((int16_t)x - (int16_t)y, (x >> 16) - (y >> 16));
}

static inline int32_t eq_dsp_load(const int8_t *x)
{
    const uint32_t low = (uint8_t)x[0] | (uint32_t)(uint8_t)x[1] << 8;
    return (int32_t)(low | (uint32_t)(uint8_t)x[2] << 16 | (uint32_t)(uint8_t)x[3] << 24);
}

static inline void eq_dsp_store(int8_t *y, int32_t word)
{
    y[0] = (int8_t)word;
    y[1] = (int8_t)(word >> 8);
    y[2] = (int8_t)(word >> 16);
    y[3] = (int8_t)(word >> 24);
}

static inline int32_t eq_dsp_scale(int32_t acc, int32_t multiplier, int32_t shift)
{
    const int64_t product = (int64_t)acc * (((int64_t)1 << 32) + multiplier);
    int32_t r = (int32_t)((product + ((int64_t)1 << 31)) >> 32);
    r += r >> 31;
    return ((r >> (shift - 1)) + 1) >> 1;
}

static inline int8_t eq_dsp_finish(int32_t acc, int32_t multiplier, int32_t shift, int32_t zero)
{
    return (int8_t)eq_clamp(eq_dsp_scale(acc, multiplier, shift) + zero, -128, 127);
}

#endif

/* Clamps `count` outputs, where there is anything to cut off. */
static inline void eq_dsp_limit(int8_t *y, int32_t count, int32_t min, int32_t max)
{
    if (min > INT8_MIN || max < INT8_MAX) {
        for (; count > 0; count--, y++) {
            *y = (int8_t)eq_clamp(*y, min, max);
        }
    }
}

#endif
