#include "eq_plane_lines.h"

#ifdef EQ_PLANE_ASM

/* Two outputs from the elements x0 .. x3 of a line: (r6, r7) += window * (w0, w1), (w1, w2). */
#define FIRST_ROW(p, w01, w12)                                                                     \
    "ldrd r4, r5, [" p "], #4\n"                                                                   \
    "cmp " p ", r7\n"                                                                              \
    "smlatb r7, r4, " w01 ", r6\n"                                                                 \
    "smlad r6, r4, " w01 ", r6\n"                                                                  \
    "smlabt r6, r5, " w12 ", r6\n"                                                                 \
    "smlad r7, r5, " w12 ", r7\n"
#define ROW(p, w01, w12)                                                                           \
    "ldrd r4, r5, [" p "], #4\n"                                                                   \
    "smlatb r7, r4, " w01 ", r7\n"                                                                 \
    "smlad r6, r4, " w01 ", r6\n"                                                                  \
    "smlabt r6, r5, " w12 ", r6\n"                                                                 \
    "smlad r7, r5, " w12 ", r7\n"
#define LAST_ROW(p, w01, w12)                                                                      \
    "ldrd r4, r5, [" p "]\n"                                                                       \
    "smlad r6, r4, " w01 ", r6\n"                                                                  \
    "smlabt r6, r5, " w12 ", r6\n"

/* Every register has its use: lines r0-r2, output r3, elements r4-r5, sums r6-r7, weights r8-lr. */
static void lines(const struct eq_lines *l)
{
    register const struct eq_lines *p __asm__("r0") = l;
    __asm__ volatile("push {r4-r11, lr}\n"
                     "ldm r0!, {r4-r12}\n"
                     "push {r4-r12}\n"
                     "ldm r0, {r0, r3, r4}\n"
                     "add r1, r0, r9\n"
                     "add r2, r1, r9\n"
                     "ldm r4, {r4-r6}\n"
                     "sxtb16 r8, r4\n"
                     "sxtb16 r9, r4, ror #8\n"
                     "sxtb16 r10, r5\n"
                     "sxtb16 r11, r5, ror #8\n"
                     "sxtb16 r12, r6\n"
                     "sxtb16 lr, r6, ror #8\n"
                     "1:\n"
                     "ldrd r6, r7, [sp]\n"
                     FIRST_ROW("r0", "r8", "r9")
                     ROW("r1", "r10", "r11")
                     ROW("r2", "r12", "lr")
                     "ldrd r4, r5, [sp, #8]\n"
                     "smmul r6, r6, r4\n"
                     "smmul r7, r7, r4\n"
                     "ssat r6, #8, r6, asr #9\n"
                     "ssat r7, #8, r7, asr #9\n"
                     "strb r6, [r3]\n"
                     "strb r7, [r3, r5]\n"
                     "add r3, r3, r5, lsl #1\n"
                     "bne 1b\n"
                     "ldr r6, [sp, #32]\n"
                     "cbz r6, 2f\n"
                     "ldr r6, [sp]\n"
                     LAST_ROW("r0", "r8", "r9")
                     LAST_ROW("r1", "r10", "r11")
                     LAST_ROW("r2", "r12", "lr")
                     "ldr r4, [sp, #8]\n"
                     "smmul r6, r6, r4\n"
                     "ssat r6, #8, r6, asr #9\n"
                     "strb r6, [r3]\n"
                     "2:\n"
                     "ldrd r4, r5, [sp, #16]\n"
                     "ldr r6, [sp, #4]\n"
                     "add r0, r0, r4\n"
                     "add r1, r1, r4\n"
                     "add r2, r2, r4\n"
                     "add r6, r6, r5\n"
                     "str r6, [sp, #4]\n"
                     "ldrd r4, r5, [sp, #24]\n"
                     "add r3, r3, r4\n"
                     "subs r5, r5, #1\n"
                     "str r5, [sp, #28]\n"
                     "bne 1b\n"
                     "add sp, sp, #36\n"
                     "pop {r4-r11, lr}\n"
                     : "+r"(p)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}
#else
static void lines(const struct eq_lines *l)
{
    eq_plane_lines(l, 1);
}
#endif

void eq_plane_stride1(const struct eq_plane *layer, const int8_t *x, int8_t *plane, int8_t *y)
{
    eq_plane_walk(layer, 1, lines, x, (int16_t *)(void *)plane, y);
}
