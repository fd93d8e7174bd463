#include "eq_dsp16_tile.h"

#ifdef EQ_DSP_ASM

/* Two inputs of four pixels: r0 x, r1 stream; r4..r11 the sums of each pixel, of a and of b.
   Single loads in a row take a cycle each, behind the first. */
#define LOAD                \
    "ldr.w r2, [r0], #4\n"  \
    "ldr.w r3, [r0], #4\n"  \
    "ldr.w r12, [r1], #4\n" \
    "sxtb16 lr, r12\n"      \
    "sxtb16 r12, r12, ror #8\n"
#define STEP                   \
    LOAD                       \
    "smlad r4, r2, lr, r4\n"   \
    "smlad r5, r2, r12, r5\n"  \
    "smlad r6, r3, lr, r6\n"   \
    "smlad r7, r3, r12, r7\n"  \
    "ldmia.n r0!, {r2, r3}\n"  \
    "smlad r8, r2, lr, r8\n"   \
    "smlad r9, r2, r12, r9\n"  \
    "smlad r10, r3, lr, r10\n" \
    "smlad r11, r3, r12, r11\n"
/* The first step: all sums start at the biases r4 and r5. */
#define FIRST                  \
    LOAD                       \
    "smlad r6, r3, lr, r4\n"   \
    "smlad r7, r3, r12, r5\n"  \
    "ldr r3, [r0, #4]\n"       \
    "smlad r10, r3, lr, r4\n"  \
    "smlad r11, r3, r12, r5\n" \
    "ldr r3, [r0], #8\n"       \
    "smlad r8, r3, lr, r4\n"   \
    "smlad r9, r3, r12, r5\n"  \
    "smlad r4, r2, lr, r4\n"   \
    "smlad r5, r2, r12, r5\n"

/* How a sum becomes int16: r2 multiplier, r0 shift in its low byte. Halves go away from zero where
   they are rounded twice. */
#define ONCE "smmulr \\s, \\s, r2\n"
#define TWICE                      \
    "smmlar \\s, \\s, r2, \\s\n"   \
    "add \\s, \\s, \\s, asr #31\n" \
    "asrs \\s, \\s, r0\n"          \
    "adc \\s, \\s, #0\n"
#define SIGNED "ssat \\s, #16, \\s\n"
#define RECTIFIED "usat \\s, #15, \\s\n"

/* An output of four pixels: r3 the first, lr the distance to the next. */
#define FINISH_4(round, saturate, s0, s1, s2, s3)                       \
    ".irp s, " s0 ", " s1 ", " s2 ", " s3 "\n" round saturate ".endr\n" \
    "strh " s0 ", [r3]\n"                                               \
    "strh " s1 ", [r3, lr]\n"                                           \
    "strh " s2 ", [r3, lr, lsl #1]\n"                                   \
    "add r3, r3, lr, lsl #1\n"                                          \
    "strh " s3 ", [r3, lr]\n"
#define FINISH_8(round, saturate)                      \
    "ldmia r1!, {r0, r2}\n"                            \
    "ldrd r3, lr, [sp]\n"                              \
    "add r3, r3, r0, lsr #16\n"                        \
    FINISH_4(round, saturate, "r5", "r7", "r9", "r11") \
    "lsrs r0, r0, #8\n"                                \
    "ldr r2, [r1], #4\n"                               \
    "ldr r3, [sp]\n"                                   \
    "adds r5, r3, #4\n"                                \
    "str r5, [sp]\n"                                   \
    FINISH_4(round, saturate, "r4", "r6", "r8", "r10") \
    "ldr r2, [sp, #20]\n"                              \
    "cmp r1, r2\n"                                     \
    "bne 0b\n"                                         \
    "b 7f\n"

/* Makes the frame: 0 y, 4 bytes of a pixel, 8 x, 12 entry into the steps, 16 end of x, 20 of
   stream, 24 the finish. */
#define SET_UP                                          \
    "sub sp, #28\n"                                     \
    "str r2, [sp]\n"                                    \
    "str r1, [sp, #8]\n"                                \
    "ldm r0, {r0, r3, r4, r5}\n" /* up to the finish */ \
    "lsls r6, r4, #1\n"                                 \
    "str r6, [sp, #4]\n"                                \
    "add r6, r1, r3, lsl #4\n"                          \
    "adds r4, #1\n"                                     \
    "lsrs r4, r4, #1\n"                                 \
    "adds r7, r3, #5\n"                                 \
    "mul r4, r4, r7\n"                                  \
    "add r7, r0, r4, lsl #2\n"                          \
    "strd r6, r7, [sp, #16]\n"                          \
    "adr r7, 8f\n"                                      \
    "ldr r6, [r7, r5, lsl #2]\n"                        \
    "adds r6, r6, r7\n"                                 \
    "str r6, [sp, #24]\n"                               \
    "adr r7, 1f\n"                                      \
    "subs r3, #1\n"                                     \
    "itt eq\n"                                          \
    "adreq r7, 2f\n"                                    \
    "moveq r3, #8\n"                                    \
    "rsbs r3, r3, #0\n"                                 \
    "and r3, r3, #7\n"                                  \
    "movs r2, #54\n" /* bytes of code in a step */      \
    "mla r7, r3, r2, r7\n"                              \
    "orr r7, r7, #1\n"                                  \
    "str r7, [sp, #12]\n"                               \
    "mov r1, r0\n"

EQ_DSP_NAKED static void tile_4(const struct eq_dsp16_matrix *m EQ_UNUSED,
                                const int32_t *x EQ_UNUSED, int16_t *y EQ_UNUSED)
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r11, lr}\n"
        SET_UP
        "0:\n"
        "ldmia r1!, {r4, r5}\n"
        "ldr r0, [sp, #8]\n"
        FIRST
        "ldr pc, [sp, #12]\n"
        ".p2align 2\n"
        "1:\n"
        ".rept 8\n" STEP ".endr\n"
        "ldr r2, [sp, #16]\n"
        "cmp r0, r2\n"
        "bne 1b\n"
        ".p2align 2\n"
        "2:\n"
        "ldr pc, [sp, #24]\n"
        ".p2align 2\n"
        "3:\n" FINISH_8(ONCE, SIGNED)
        ".p2align 2\n"
        "4:\n" FINISH_8(ONCE, RECTIFIED)
        ".p2align 2\n"
        "5:\n" FINISH_8(TWICE, SIGNED)
        ".p2align 2\n"
        "6:\n" FINISH_8(TWICE, RECTIFIED)
        "7:\n"
        "add sp, #28\n"
        "pop {r4-r11, pc}\n"
        ".p2align 2\n"
        "8:\n"
        ".word 3b - 8b + 1, 4b - 8b + 1, 5b - 8b + 1, 6b - 8b + 1\n");
}

#else

static void tile_1(const struct eq_dsp16_matrix *m, const int32_t *x, int16_t *y);

static void tile_4(const struct eq_dsp16_matrix *m, const int32_t *x, int16_t *y)
{
    int32_t p;
    for (p = 0; p < 4; p++) {
        tile_1(m, x + p, y + p * m->outputs);
    }
}

#endif

static int16_t finish(const struct eq_dsp16_matrix *m, int32_t sum, int32_t multiplier,
                      int32_t shift)
{
    const int32_t least = m->finish & EQ_DSP16_RECTIFIED ? 0 : INT16_MIN;
    int64_t product = (int64_t)sum * multiplier;
    int32_t v;
    if (m->finish & EQ_DSP16_TWICE) {
        product += sum * ((int64_t)1 << 32);
    }
    v = (int32_t)((product + ((int64_t)1 << 31)) >> 32);
    if (m->finish & EQ_DSP16_TWICE) {
        v += v >> 31;
        v = ((v >> (shift - 1)) + 1) >> 1;
    }
    return (int16_t)eq_clamp(v, least, INT16_MAX);
}

/* A single pixel, the first of four. */
static void tile_1(const struct eq_dsp16_matrix *m, const int32_t *x, int16_t *y)
{
    const int32_t *stream = m->stream;
    int32_t o, k;
    for (o = 0; o < m->outputs; o += 2) {
        int32_t a = stream[0], b = stream[1], shifts;
        stream += 2;
        for (k = 0; k < m->steps; k++) {
            const int32_t w = *stream++;
            a = eq_dsp_smlad(x[4 * k], eq_dsp_sxtb16(w), a);
            b = eq_dsp_smlad(x[4 * k], eq_dsp_sxtb16_8(w), b);
        }
        shifts = stream[0];
        y[o + (shifts >> 17)] = finish(m, b, stream[1], shifts & 0xff);
        y[o] = finish(m, a, stream[2], (shifts >> 8) & 0xff);
        stream += 3;
    }
}

static void tile(const void *matrix, const int32_t *x, int32_t pixels, int16_t *y)
{
    const struct eq_dsp16_matrix *m = matrix;
    const int32_t least = m->finish & EQ_DSP16_RECTIFIED ? 0 : INT16_MIN;
    int32_t p, i;
    if (pixels == 4) {
        tile_4(m, x, y);
    } else {
        for (p = 0; p < pixels; p++) {
            tile_1(m, x + p, y + p * m->outputs);
        }
    }
    if (m->min > least || m->max < INT16_MAX) {
        for (i = 0; i < pixels * m->outputs; i++) {
            y[i] = (int16_t)eq_clamp(y[i], m->min, m->max);
        }
    }
}

void eq_dsp16_conv(const struct eq_dsp16_conv *layer, const int16_t *x, int8_t *scratch,
                   int16_t *y)
{
    eq_dsp16_walk(&layer->window, x, scratch, y, tile, &layer->matrix);
}
