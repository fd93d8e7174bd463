/* The lines of one channel of eq_plane.h, and what walks over the channels. */
#ifndef EQ_PLANE_LINES_H
#define EQ_PLANE_LINES_H

#include "eq_plane.h"

#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define EQ_PLANE_ASM 1
#endif

/* The order is known to the assembly. `end` is where the pairs of the first line end; the skips
   lead from there, and from the output of the last pair, to the next line; `pitch` to the next row
   of a window, `advance` to the next line's end. All of them are in bytes. */
struct eq_lines {
    int32_t bias;
    const int16_t *end;
    int32_t multiplier;
    int32_t out_step;
    int32_t skip;
    int32_t advance;
    int32_t out_skip;
    int32_t lines;
    int32_t odd;
    const int16_t *plane;
    int8_t *y;
    const int32_t *weights;
    int32_t pitch;
};

typedef void eq_line_kernel(const struct eq_lines *lines);

/* Fills planes with the padding; puts one channel inside. */
void eq_plane_clear(const struct eq_plane *layer, int16_t *plane, int32_t planes);
void eq_plane_gather(const struct eq_plane *layer, const int8_t *x, int16_t *plane);

void eq_plane_walk(const struct eq_plane *layer, int32_t stride, eq_line_kernel *kernel,
                   const int8_t *x, int16_t *plane, int8_t *y);
void eq_plane_lines(const struct eq_lines *lines, int32_t stride);

#ifdef EQ_PLANE_ASM

/* A window's row of a single output. */
#define EQ_SINGLE(p, w01, w12)                                                                     \
    "ldrd r4, r5, [" p "]\n"                                                                       \
    "smlad r6, r4, " w01 ", r6\n"                                                                  \
    "smlabt r6, r5, " w12 ", r6\n"

/* How the int8 of proved channels are made. */
#define EQ_PLANE_MULTIPLY(sum) "smmul " sum ", " sum ", r4\n"
#define EQ_PLANE_SATURATE(sum) "ssat " sum ", #8, " sum ", asr #9\n"

/* Two outputs of a row with a stride of 1, from the elements x0 .. x3: r6 of x0 .. x2, r7 of
   x1 .. x3. The first row compares its pointer with the end in r7, and has the bias in r6. */
#define EQ_FIRST_ROW_1(p, w01, w12)                                                                \
    "ldrd r4, r5, [" p "], #4\n"                                                                   \
    "cmp " p ", r7\n"                                                                              \
    "smlatb r7, r4, " w01 ", r6\n"                                                                 \
    "smlad r6, r4, " w01 ", r6\n"                                                                  \
    "smlabt r6, r5, " w12 ", r6\n"                                                                 \
    "smlad r7, r5, " w12 ", r7\n"
#define EQ_ROW_1(p, w01, w12)                                                                      \
    "ldrd r4, r5, [" p "], #4\n"                                                                   \
    "smlatb r7, r4, " w01 ", r7\n"                                                                 \
    "smlad r6, r4, " w01 ", r6\n"                                                                  \
    "smlabt r6, r5, " w12 ", r6\n"                                                                 \
    "smlad r7, r5, " w12 ", r7\n"

/* With a stride of 2, from x0 .. x4: r6 of x0 .. x2, r7 of x2 .. x4. */
#define EQ_FIRST_ROW_2(p, w01, w12)                                                                \
    "ldrd r4, r5, [" p "], #8\n"                                                                   \
    "cmp " p ", r7\n"                                                                              \
    "smlad r7, r5, " w01 ", r6\n"                                                                  \
    EQ_REST_2(p, w01, w12)
#define EQ_ROW_2(p, w01, w12)                                                                      \
    "ldrd r4, r5, [" p "], #8\n"                                                                   \
    "smlad r7, r5, " w01 ", r7\n"                                                                  \
    EQ_REST_2(p, w01, w12)
#define EQ_REST_2(p, w01, w12)                                                                     \
    "smlad r6, r4, " w01 ", r6\n"                                                                  \
    "ldr r4, [" p "]\n"                                                                            \
    "smlabt r6, r5, " w12 ", r6\n"                                                                 \
    "smlabt r7, r4, " w12 ", r7\n"

/* The lines of a channel: `FIRST` starts a pair of sums, r6 and r7, `ROW` adds to them. They may
   use r4 and r5. `MULTIPLY` by r4 and `SATURATE` make a sum an output, which `STORE` stores. The
   other registers: rows of the window r0-r2, output r3, weights r8-lr. */
#define EQ_PLANE_LINES(FIRST, ROW, MULTIPLY, SATURATE, STORE)                                      \
    "push {r4-r11, lr}\n"                                                                          \
    "ldm r0!, {r4-r12}\n"                                                                          \
    "push {r4-r12}\n"                                                                              \
    "ldm r0, {r0, r3, r4, r5}\n"                                                                   \
    "add r1, r0, r5\n"                                                                             \
    "add r2, r1, r5\n"                                                                             \
    "ldm r4, {r4-r6}\n"                                                                            \
    "sxtb16 r8, r4\n"                                                                              \
    "sxtb16 r9, r4, ror #8\n"                                                                      \
    "sxtb16 r10, r5\n"                                                                             \
    "sxtb16 r11, r5, ror #8\n"                                                                     \
    "sxtb16 r12, r6\n"                                                                             \
    "sxtb16 lr, r6, ror #8\n"                                                                      \
    "1:\n"                                                                                         \
    "ldrd r6, r7, [sp]\n"                                                                          \
    FIRST("r0", "r8", "r9")                                                                        \
    ROW("r1", "r10", "r11")                                                                        \
    ROW("r2", "r12", "lr")                                                                         \
    "ldrd r4, r5, [sp, #8]\n"                                                                      \
    MULTIPLY("r6") MULTIPLY("r7")                                                                  \
    SATURATE("r6") SATURATE("r7")                                                                  \
    STORE " r6, [r3]\n"                                                                            \
    STORE " r7, [r3, r5]\n"                                                                        \
    "add r3, r3, r5, lsl #1\n"                                                                     \
    "bne 1b\n"                                                                                     \
    "ldr r6, [sp, #32]\n"                                                                          \
    "cbz r6, 2f\n"                                                                                 \
    "ldr r6, [sp]\n"                                                                               \
    EQ_SINGLE("r0", "r8", "r9")                                                                    \
    EQ_SINGLE("r1", "r10", "r11")                                                                  \
    EQ_SINGLE("r2", "r12", "lr")                                                                   \
    "ldr r4, [sp, #8]\n"                                                                           \
    MULTIPLY("r6") SATURATE("r6")                                                                  \
    STORE " r6, [r3]\n"                                                                            \
    "2:\n"                                                                                         \
    "ldrd r4, r5, [sp, #16]\n"                                                                     \
    "ldr r6, [sp, #4]\n"                                                                           \
    "add r0, r0, r4\n"                                                                             \
    "add r1, r1, r4\n"                                                                             \
    "add r2, r2, r4\n"                                                                             \
    "add r6, r6, r5\n"                                                                             \
    "str r6, [sp, #4]\n"                                                                           \
    "ldrd r4, r5, [sp, #24]\n"                                                                     \
    "add r3, r3, r4\n"                                                                             \
    "subs r5, r5, #1\n"                                                                            \
    "str r5, [sp, #28]\n"                                                                          \
    "bne 1b\n"                                                                                     \
    "add sp, sp, #36\n"                                                                            \
    "pop {r4-r11, lr}\n"

#endif

#endif
