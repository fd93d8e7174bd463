#include "eq_dsp_tile.h"

#include "eq_dsp_finish.h"

#ifdef EQ_DSP_ASM

/* Two inputs of four pixels: r0 x, r1 stream; r4..r11 the sums of each pixel, of a and of both.
   Single loads in a row take a cycle each, behind the first. */
#define LOAD                   \
    "ldr.w r2, [r0], #4\n"     \
    "ldr.w r3, [r0], #4\n"     \
    "ldr.w r12, [r1], #4\n"    \
    "sxtb16 lr, r12\n"
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
/* The first step: all sums start at the bias r4. */
#define FIRST                  \
    LOAD                       \
    "smlad r6, r3, lr, r4\n"   \
    "smlad r7, r3, r12, r4\n"  \
    "ldr r3, [r0, #4]\n"       \
    "smlad r5, r2, r12, r4\n"  \
    "smlad r10, r3, lr, r4\n"  \
    "smlad r11, r3, r12, r4\n" \
    "ldr r3, [r0], #8\n"       \
    "smlad r9, r3, r12, r4\n"  \
    "smlad r8, r3, lr, r4\n"   \
    "smlad r4, r2, lr, r4\n"
/* Makes the frame: 0 y, 4 zero, 8 outputs, 12 x, 16 entry into the steps, 20 end of x, 24 of
   stream, 28 the finish. */
#define SET_UP                                            \
    "sub sp, #36\n"                                       \
    "str r3, [sp]\n"                                      \
    "str r1, [sp, #12]\n"                                 \
    "cmp r2, #0\n"                                        \
    "ite eq\n"                                            \
    "adreq r2, 3f\n"                                      \
    "adrne r2, 4f\n"                                      \
    "orr r2, r2, #1\n"                                    \
    "str r2, [sp, #28]\n"                                 \
    "ldrsb r2, [r0, #12]\n" /* zero */                    \
    "ldr r5, [r0, #16]\n" /* made */                     \
    "ldm r0, {r0, r3, r4}\n" /* stream, steps, outputs */ \
    "strd r2, r4, [sp, #4]\n"                             \
    "add r6, r1, r3, lsl #4\n"                            \
    "adds r5, #1\n"                                       \
    "lsrs r5, r5, #1\n"                                   \
    "adds r7, r3, #5\n"                                   \
    "mul r5, r5, r7\n"                                    \
    "add r7, r0, r5, lsl #2\n"                            \
    "strd r6, r7, [sp, #20]\n"                            \
    "adr r7, 1f\n"                                        \
    "subs r3, #1\n"                                       \
    "itt eq\n"                                            \
    "adreq r7, 2f\n"                                      \
    "moveq r3, #8\n"                                      \
    "rsbs r3, r3, #0\n"                                   \
    "and r3, r3, #7\n"                                    \
    "movs r2, #50\n" /* bytes of code in a step */        \
    "mla r7, r3, r2, r7\n"                                \
    "orr r7, r7, #1\n"                                    \
    "str r7, [sp, #16]\n"                                 \
    "mov r1, r0\n"

/* Four pixels. `rectified`: negative numbers all become `zero`, and how they round is all one. */
EQ_DSP_NAKED static void tile_4(const struct eq_dsp_matrix *m EQ_UNUSED,
                                const int32_t *x EQ_UNUSED, int32_t rectified EQ_UNUSED,
                                int8_t *y EQ_UNUSED)
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r11, lr}\n"
        SET_UP
        "0:\n"
        "ldr r4, [r1], #4\n"
        "ldr r0, [sp, #12]\n"
        FIRST
        "ldr pc, [sp, #16]\n"
        ".p2align 2\n"
        "1:\n"
        ".rept 8\n" STEP ".endr\n"
        "ldr r2, [sp, #20]\n"
        "cmp r0, r2\n"
        "bne 1b\n"
        ".p2align 2\n"
        "2:\n"
        "ldr r0, [r1], #4\n"
        PART("r5", "r4")
        PART("r7", "r6")
        PART("r9", "r8")
        PART("r11", "r10")
        "ldr pc, [sp, #28]\n"
        ".p2align 2\n"
        "3:\n" FINISH_8(ADJUST)
        "b 5f\n"
        ".p2align 2\n"
        "4:\n" FINISH_8(NOTHING)
        "5:\n"
        "add sp, #36\n"
        "pop {r4-r11, pc}\n");
}

/* The fours of four pixels. r0 x, r1 runs, r2 next, r3 to; the frame: 0 bytes of a run, 4 from its
   end to the next. */
EQ_DSP_NAKED static void widen_4(const int8_t *x EQ_UNUSED,
                                 const struct eq_dsp_runs *runs EQ_UNUSED,
                                 int32_t next EQ_UNUSED, int32_t *to EQ_UNUSED)
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r11, lr}\n"
        "sub sp, #12\n"
        "mov r12, r2\n"
        "ldm r1, {r4, r5, r6}\n" /* count, quads, step */
        "mov lr, r4\n"
        "lsls r5, r5, #2\n"
        "sub r6, r6, r5\n"
        "strd r5, r6, [sp]\n"
        "mov r1, r12\n"
        "0:\n"
        "ldr r2, [sp]\n"
        "add r12, r0, r1, lsl #1\n"
        "add r12, r12, r1\n"
        "add r2, r2, r0\n"
        "1:\n"
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
        "bne 1b\n"
        "ldr r4, [sp, #4]\n"
        "add r0, r4\n"
        "subs lr, lr, #1\n"
        "bne 0b\n"
        "add sp, #12\n"
        "pop {r4-r11, pc}\n");
}

#else

static void tile_1(const struct eq_dsp_matrix *m, const int32_t *x, int8_t *y);
static void widen_1(const int8_t *x, const struct eq_dsp_runs *runs, int32_t *to);

static void tile_4(const struct eq_dsp_matrix *m, const int32_t *x, int32_t rectified, int8_t *y)
{
    int32_t p;
    (void)rectified;
    for (p = 0; p < 4; p++) {
        tile_1(m, x + p, y + p * m->outputs);
    }
}

static void widen_4(const int8_t *x, const struct eq_dsp_runs *runs, int32_t next, int32_t *to)
{
    int32_t p;
    for (p = 0; p < 4; p++) {
        widen_1(x + p * next, runs, to + p);
    }
}

#endif

/* A single pixel, the first of four. */
static void tile_1(const struct eq_dsp_matrix *m, const int32_t *x, int8_t *y)
{
    const int32_t *stream = m->stream;
    int32_t o, k;
    for (o = 0; o < m->made; o += 2) {
        int32_t a = *stream++, both = a, b, shifts;
        for (k = 0; k < m->steps; k++) {
            const int32_t w = *stream++;
            a = eq_dsp_smlad(x[4 * k], eq_dsp_sxtb16(w), a);
            both = eq_dsp_smlad(x[4 * k], w, both);
        }
        b = stream[0] + ((both - a) >> 8);
        shifts = stream[1];
        y[o + (shifts >> 16)] = eq_dsp_finish(b, stream[2], shifts & 0xff, m->zero);
        y[o] = eq_dsp_finish(a, stream[3], (shifts >> 8) & 0xff, m->zero);
        stream += 4;
    }
}

void eq_dsp_tile(const struct eq_dsp_matrix *m, const int32_t *x, int32_t pixels, int8_t *y)
{
    const int32_t min = m->min, max = m->max;
    int32_t p, i;
    if (pixels == 4) {
        tile_4(m, x, m->zero == -128 && min == -128, y);
    } else {
        for (p = 0; p < pixels; p++) {
            tile_1(m, x + p, y + p * m->outputs);
        }
    }
    if (min > -128 || max < 127) {
        for (p = 0; p < pixels; p++, y += m->outputs) {
            for (i = 0; i < m->made; i++) {
                y[i] = (int8_t)eq_clamp(y[i], min, max);
            }
        }
    }
}

/* The fours of a single pixel. */
static void widen_1(const int8_t *x, const struct eq_dsp_runs *runs, int32_t *to)
{
    const int32_t quads = runs->quads, skip = runs->step - 4 * quads;
    int32_t left, i;
    for (left = runs->count; left > 0; left--) {
        for (i = quads; i > 0; i--) {
            const int32_t word = eq_dsp_load(x);
            to[0] = eq_dsp_sxtb16(word);
            to[4] = eq_dsp_sxtb16_8(word);
            x += 4;
            to += 8;
        }
        x += skip;
    }
}

static void widen_tails(const int8_t *x, const struct eq_dsp_runs *runs, int32_t *to)
{
    const int32_t tail = runs->tail, step = runs->step;
    int32_t left = runs->count;
    if (tail == 1) {
        for (; left > 1; left -= 2, x += 2 * step, to += 4) {
            to[0] = eq_dsp_pair(x[0], x[step]);
        }
        if (left > 0) {
            to[0] = x[0];
        }
        return;
    }
    for (; left > 0; left--, x += step, to += 4) {
        to[0] = eq_dsp_pair(x[0], x[1]);
        if (tail > 2) {
            to += 4;
            to[0] = x[2];
        }
    }
}

void eq_dsp_widen(const struct eq_dsp_runs *runs, const int8_t *x, int32_t pixels, int32_t next,
                  int32_t *to, int32_t *rest)
{
    int32_t p;
    if (pixels == 4 && runs->quads > 0) {
        widen_4(x, runs, next, to);
        if (runs->tail == 0) {
            return;
        }
    }
    for (p = 0; p < pixels; p++, x += next) {
        if (pixels < 4) {
            widen_1(x, runs, to + p);
        }
        if (runs->tail > 0) {
            widen_tails(x + 4 * runs->quads, runs, rest + p);
        }
    }
}
