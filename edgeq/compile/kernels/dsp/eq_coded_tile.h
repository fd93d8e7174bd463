/* Tiles of four pixels and two outputs whose weights are codes, looked up as they are multiplied. */
#ifndef EQ_CODED_TILE_H
#define EQ_CODED_TILE_H

#include "eq_dsp.h"

/* At most four pixels in the making, widened at x[steps][4], up to `end`. `table` has a word for
   each index that the codes give. A row of `codes` holds the weights of a pair of outputs (a, b),
   `rest` the biases of a and b, then what ends the stream of eq_dsp_tile.h. The order is that of
   the assembly's frame. */
struct eq_coded_tile {
    int8_t *y;
    int32_t zero;
    int32_t outputs;
    const int32_t *x;
    const int8_t *table;
    const int32_t *end;
    const int32_t *rest_end;
    const uint8_t *codes;
    const int32_t *rest;
};

/* There is a multiple of four steps. With one bit, four bits of codes are those of a step: of its
   first input a, then b, then of its second; what they stand for are halves a + 256 b. With two
   bits it is a byte. With four bits one byte has a of both inputs, the next b, and each stands for
   two int16. */
void eq_coded_tile_1(const struct eq_coded_tile *t, int32_t pixels);
void eq_coded_tile_2(const struct eq_coded_tile *t, int32_t pixels);
void eq_coded_tile_4(const struct eq_coded_tile *t, int32_t pixels);

/* Adds the products of a pair and one pixel to their biases; returns where its codes end. */
typedef const uint8_t *eq_coded_add(const struct eq_coded_tile *t, const uint8_t *codes, int32_t *a,
                                    int32_t *b);

/* Makes pixels one by one. */
EQ_DSP_INLINE void eq_coded_pixels(const struct eq_coded_tile *t, int32_t pixels, eq_coded_add *add)
{
    struct eq_coded_tile one = *t;
    for (; pixels > 0; pixels--) {
        const uint8_t *codes = one.codes;
        const int32_t *rest;
        int8_t *y = one.y;
        for (rest = one.rest; rest != one.rest_end; rest += 5, y += 2) {
            int32_t a = rest[0], b = rest[1];
            codes = add(&one, codes, &a, &b);
            y[rest[2] >> 16] = eq_dsp_finish(b, rest[3], rest[2] & 0xff, one.zero);
            y[0] = eq_dsp_finish(a, rest[4], (rest[2] >> 8) & 0xff, one.zero);
        }
        one.x++;
        one.end++;
        one.y += one.outputs;
    }
}

static inline int32_t eq_coded_word(const struct eq_coded_tile *t, int32_t index)
{
    return eq_dsp_load(t->table + 4 * index);
}

#ifdef EQ_DSP_ASM

#include "eq_dsp_finish.h"

/* Two inputs of four pixels: r0 x, r1 codes, r3 the table, lr and r12 the weights; r4..r11 the sums
   of each pixel. */
#define PIXEL(a, b)                \
    "ldr.w r2, [r0], #4\n"         \
    "smlad " a ", r2, lr, " a "\n" \
    "smlad " b ", r2, r12, " b "\n"
#define PIXELS PIXEL("r4", "r5") PIXEL("r6", "r7") PIXEL("r8", "r9") PIXEL("r10", "r11")
/* The halves a + 256 b that r12 stands for. */
#define BOTH                         \
    "ldr.w r12, [r3, r12, lsl #2]\n" \
    "sxtb16 lr, r12\n" PIXELS

/* Sums start at the bias of a; that of b comes last. */
#define BOTH_START "mov r5, r4\nmov r7, r4\nmov r9, r4\nmov r11, r4\n"
#define BOTH_END PART("r5", "r4") PART("r7", "r6") PART("r9", "r8") PART("r11", "r10")

/* Four steps at a time. The frame, behind what eq_dsp_finish.h tells of: 12 x, 16 table, 20 end of
   x, 28 codes, 32 the rest. */
#define TILE(start, steps, end)         \
    __asm__ volatile(                   \
        ".syntax unified\n"             \
        "push {r4-r11, lr}\n"           \
        "sub sp, #36\n"                 \
        "ldm r0, {r2-r10}\n"            \
        "stm sp, {r2-r10}\n"            \
        "mov r1, r10\n"                 \
        "0:\n"                          \
        "ldr r4, [r1], #4\n"            \
        "str r1, [sp, #32]\n"           \
        "ldrd r0, r3, [sp, #12]\n"      \
        "ldr r1, [sp, #28]\n"           \
        "mov r6, r4\n"                  \
        "mov r8, r4\n"                  \
        "mov r10, r4\n" start           \
        "1:\n" steps                    \
        "ldr r2, [sp, #20]\n"           \
        "cmp r0, r2\n"                  \
        "bne 1b\n"                      \
        "str r1, [sp, #28]\n"           \
        "ldr r1, [sp, #32]\n"           \
        "ldr r0, [r1], #4\n" end        \
        FINISH_8(ADJUST)                \
        "add sp, #36\n"                 \
        "pop {r4-r11, pc}\n")

#endif

#endif
