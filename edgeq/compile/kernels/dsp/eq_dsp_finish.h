/* How tiles of four pixels and two outputs end: the assembly of kernels that make them. */
#ifndef EQ_DSP_FINISH_H
#define EQ_DSP_FINISH_H

/* r4..r11 hold the sums of each pixel, of a and of both. At the stack pointer lies a frame: 0 y,
   4 zero, 8 outputs, 24 the end of what r1 reads, the words behind the bias of b. */

/* The sum of b, of both less that of a. */
#define PART(both, a)              \
    "sub " both ", " both ", " a "\n" \
    "add " both ", r0, " both ", asr #8\n"

/* A sum becomes int8 at `at`: r2 multiplier, r0 shift in its low byte, r12 zero point. Halves go
   away from zero, which ADJUST sees to. */
#define ADJUST(sum) "add " sum ", " sum ", " sum ", asr #31\n"
#define NOTHING(sum)
#define FINISH(adjust, sum, at)              \
    "smmlar " sum ", " sum ", r2, " sum "\n" \
    adjust(sum)                              \
    "asrs " sum ", " sum ", r0\n"            \
    "adc " sum ", " sum ", r12\n"            \
    "ssat " sum ", #8, " sum "\n"            \
    "strb " sum ", " at "\n"

/* An output of four pixels: r3 the first, lr the distance to the next. */
#define FINISH_4(adjust, s0, s1, s2, s3)   \
    FINISH(adjust, s0, "[r3]")             \
    FINISH(adjust, s1, "[r3, lr]")         \
    FINISH(adjust, s2, "[r3, lr, lsl #1]") \
    "add r3, r3, lr, lsl #1\n"             \
    FINISH(adjust, s3, "[r3, lr]")
#define FINISH_8(adjust)                      \
    "ldmia r1!, {r0, r2}\n"                   \
    "ldm sp, {r3, r12, lr}\n"                 \
    "add r3, r3, r0, lsr #16\n"               \
    FINISH_4(adjust, "r5", "r7", "r9", "r11") \
    "lsrs r0, r0, #8\n"                       \
    "ldr r2, [r1], #4\n"                      \
    "ldr r3, [sp]\n"                          \
    "adds r5, r3, #2\n"                       \
    "str r5, [sp]\n"                          \
    FINISH_4(adjust, "r4", "r6", "r8", "r10") \
    "ldr r2, [sp, #24]\n"                     \
    "cmp r1, r2\n"                            \
    "bne 0b\n"

#endif
