#include "eq_dsp_tile.h"

#if defined(__ARM_FEATURE_DSP) && defined(__thumb2__) && defined(__GNUC__)
#define EQ_DSP_ASM 1
#endif

#ifdef EQ_DSP_ASM

#define NAKED __attribute__((naked, noinline))
#define UNUSED __attribute__((unused))

/* Two inputs of four pixels: r0 x, r1 stream, r4..r11 the sums a b of each pixel. */
#define STEP                         \
    "ldmia.n r0!, {r2, r3}\n"        \
    "ldr.w r12, [r1], #4\n"          \
    "sxtb16 lr, r12\n"               \
    "sxtb16 r12, r12, ror #8\n"      \
    "smlad r4, r2, lr, r4\n"         \
    "smlad r5, r2, r12, r5\n"        \
    "smlad r6, r3, lr, r6\n"         \
    "smlad r7, r3, r12, r7\n"        \
    "ldmia.n r0!, {r2, r3}\n"        \
    "smlad r8, r2, lr, r8\n"         \
    "smlad r9, r2, r12, r9\n"        \
    "smlad r10, r3, lr, r10\n"       \
    "smlad r11, r3, r12, r11\n"

/* A sum becomes int8 at `at`: r2 multiplier, r0 shift in its low byte, r12 zero point. */
#define FINISH(sum, at)                        \
    "smmlar " sum ", " sum ", r2, " sum "\n"   \
    "add " sum ", " sum ", " sum ", asr #31\n" \
    "asrs " sum ", " sum ", r0\n"              \
    "adc " sum ", " sum ", r12\n"              \
    "ssat " sum ", #8, " sum "\n"              \
    "strb " sum ", " at "\n"

/* The same output of four pixels: r3 the first, lr the distance to the next. */
#define FINISH_4(s0, s1, s2, s3)      \
    FINISH(s0, "[r3]")                \
    FINISH(s1, "[r3, lr]")            \
    FINISH(s2, "[r3, lr, lsl #1]")    \
    "add r3, r3, lr, lsl #1\n"        \
    FINISH(s3, "[r3, lr]")

/* The frame: 0 y, 4 zero, 8 outputs, 12 x, 16 entry into the steps, 20 end of x, 24 of stream. */
NAKED void eq_dsp_tile_4(const struct eq_dsp_matrix *m UNUSED, const int32_t *x UNUSED,
                         int8_t *y UNUSED)
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r11, lr}\n"
        "ldm r0, {r0, r3, r4, r5}\n" /* stream, steps, outputs, zero */
        "add r6, r1, r3, lsl #4\n"
        "adr r7, 1f\n"
        "rsbs r8, r3, #0\n"
        "and r8, r8, #7\n"
        "mov r9, #48\n" /* bytes of code in a step */
        "mla r7, r8, r9, r7\n"
        "orr r7, r7, #1\n"
        "adds r3, #5\n"
        "adds r8, r4, #1\n"
        "lsr r8, r8, #1\n"
        "mul r3, r3, r8\n"
        "add r8, r0, r3, lsl #2\n"
        "sub sp, #28\n"
        "str r2, [sp]\n"
        "strd r5, r4, [sp, #4]\n"
        "strd r1, r7, [sp, #12]\n"
        "strd r6, r8, [sp, #20]\n"
        "mov r1, r0\n"
        "0:\n"
        "ldmia r1!, {r4, r5}\n"
        "mov r6, r4\n"
        "mov r7, r5\n"
        "mov r8, r4\n"
        "mov r9, r5\n"
        "mov r10, r4\n"
        "mov r11, r5\n"
        "ldr r0, [sp, #12]\n"
        "ldr pc, [sp, #16]\n"
        ".p2align 2\n"
        "1:\n" STEP STEP STEP STEP STEP STEP STEP STEP
        "ldr r2, [sp, #20]\n"
        "cmp r0, r2\n"
        "bne 1b\n"
        "ldmia r1!, {r0, r2}\n"
        "ldm sp, {r3, r12, lr}\n"
        "add r3, r3, r0, lsr #16\n"
        FINISH_4("r5", "r7", "r9", "r11")
        "lsrs r0, r0, #8\n"
        "ldr r2, [r1], #4\n"
        "ldr r3, [sp]\n"
        "adds r5, r3, #2\n"
        "str r5, [sp]\n"
        FINISH_4("r4", "r6", "r8", "r10")
        "ldr r2, [sp, #24]\n"
        "cmp r1, r2\n"
        "bne 0b\n"
        "add sp, #28\n"
        "pop {r4-r11, pc}\n");
}

/* r0 x, r1 next, r2 quads, r3 to. */
NAKED void eq_dsp_widen_4(const int8_t *x UNUSED, int32_t next UNUSED, int32_t quads UNUSED,
                          int32_t *to UNUSED)
{
    __asm__ volatile(
        ".syntax unified\n"
        "cbz r2, 1f\n"
        "push {r4-r11, lr}\n"
        "add r12, r1, r1, lsl #1\n"
        "add r12, r12, r0\n"
        "add r2, r0, r2, lsl #2\n"
        "0:\n"
        "ldr r9, [r0, r1]\n"
        "ldr r10, [r0, r1, lsl #1]\n"
        "ldr r8, [r0], #4\n"
        "ldr r11, [r12], #4\n"
        "sxtb16 r4, r8\n"
        "sxtb16 r5, r9\n"
        "sxtb16 r6, r10\n"
        "sxtb16 r7, r11\n"
        "sxtb16 r8, r8, ror #8\n"
        "sxtb16 r9, r9, ror #8\n"
        "sxtb16 r10, r10, ror #8\n"
        "sxtb16 r11, r11, ror #8\n"
        "stmia r3!, {r4-r11}\n"
        "cmp r0, r2\n"
        "bne 0b\n"
        "pop {r4-r11, lr}\n"
        "1:\n"
        "bx lr\n");
}

static inline int32_t smlad(int32_t x, int32_t y, int32_t sum)
{
    __asm__("smlad %0, %1, %2, %0" : "+r"(sum) : "r"(x), "r"(y));
    return sum;
}

static inline int32_t sxtb16(int32_t x)
{
    __asm__("sxtb16 %0, %1" : "=r"(x) : "r"(x));
    return x;
}

static inline int32_t sxtb16_8(int32_t x)
{
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(x) : "r"(x));
    return x;
}

static inline int32_t load(const int8_t *x)
{
    int32_t word;
    __asm__("ldr %0, %1" : "=r"(word) : "m"(*(const int32_t(*)[1])(const void *)x));
    return word;
}

#else

static inline int32_t smlad(int32_t x, int32_t y, int32_t sum)
{
    return sum + (int16_t)x * (int16_t)y + (x >> 16) * (y >> 16);
}

static inline int32_t sxtb16(int32_t x)
{
    return eq_dsp_pair((int8_t)x, (int8_t)(x >> 16));
}

static inline int32_t sxtb16_8(int32_t x)
{
    return sxtb16(x >> 8);
}

static inline int32_t load(const int8_t *x)
{
    const uint32_t low = (uint8_t)x[0] | (uint32_t)(uint8_t)x[1] << 8;
    return (int32_t)(low | (uint32_t)(uint8_t)x[2] << 16 | (uint32_t)(uint8_t)x[3] << 24);
}

void eq_dsp_tile_4(const struct eq_dsp_matrix *m, const int32_t *x, int8_t *y)
{
    int32_t p;
    for (p = 0; p < 4; p++) {
        eq_dsp_tile_1(m, x + p, y + p * m->outputs);
    }
}

void eq_dsp_widen_4(const int8_t *x, int32_t next, int32_t quads, int32_t *to)
{
    int32_t p;
    for (p = 0; p < 4; p++) {
        eq_dsp_widen_1(x + p * next, quads, to + p);
    }
}

#endif

static int8_t finish(int32_t acc, int32_t multiplier, int32_t shift, int32_t zero)
{
    const int64_t product = (int64_t)acc * (((int64_t)1 << 32) + multiplier);
    int32_t r = (int32_t)((product + ((int64_t)1 << 31)) >> 32);
    r += r >> 31;
    r = ((r >> (shift - 1)) + 1) >> 1;
    return (int8_t)eq_clamp(r + zero, -128, 127);
}

void eq_dsp_tile_1(const struct eq_dsp_matrix *m, const int32_t *x, int8_t *y)
{
    const int32_t *stream = m->stream;
    int32_t o, k;
    for (o = 0; o < m->outputs; o += 2) {
        int32_t a = *stream++, b = *stream++, shifts;
        for (k = 0; k < m->steps; k++) {
            const int32_t w = *stream++;
            a = smlad(x[4 * k], sxtb16(w), a);
            b = smlad(x[4 * k], sxtb16_8(w), b);
        }
        shifts = stream[0];
        y[o + (shifts >> 16)] = finish(b, stream[1], shifts & 0xff, m->zero);
        y[o] = finish(a, stream[2], (shifts >> 8) & 0xff, m->zero);
        stream += 3;
    }
}

void eq_dsp_widen_1(const int8_t *x, int32_t quads, int32_t *to)
{
    int32_t i;
    for (i = 0; i < quads; i++) {
        const int32_t word = load(x + 4 * i);
        to[8 * i] = sxtb16(word);
        to[8 * i + 4] = sxtb16_8(word);
    }
}

void eq_dsp_clamp(int8_t *y, int32_t count, int32_t min, int32_t max)
{
    int32_t i;
    if (min > -128 || max < 127) {
        for (i = 0; i < count; i++) {
            y[i] = (int8_t)eq_clamp(y[i], min, max);
        }
    }
}
