#include "eq_coded_tile.h"

static const uint8_t *add(const struct eq_coded_tile *t, const uint8_t *codes, int32_t *a,
                          int32_t *b)
{
    const int32_t *x;
    for (x = t->x; x != t->end; x += 4) {
        *a = eq_dsp_smlad(*x, eq_coded_word(t, *codes++), *a);
        *b = eq_dsp_smlad(*x, eq_coded_word(t, *codes++), *b);
    }
    return codes;
}

#ifdef EQ_DSP_ASM

#define STEP                       \
    "ldrb lr, [r1], #1\n"          \
    "ldrb r12, [r1], #1\n"         \
    "ldr.w lr, [r3, lr, lsl #2]\n" \
    "ldr.w r12, [r3, r12, lsl #2]\n" PIXELS

#define START "movs r5, #0\nmov r7, r5\nmov r9, r5\nmov r11, r5\n"
#define END "add r5, r0\nadd r7, r0\nadd r9, r0\nadd r11, r0\n"

EQ_DSP_NAKED static void make_4(const struct eq_coded_tile *t EQ_UNUSED)
{
    TILE(START, STEP STEP STEP STEP, END);
}

#else

static void make_4(const struct eq_coded_tile *t)
{
    eq_coded_pixels(t, 4, add);
}

#endif

void eq_coded_tile_4(const struct eq_coded_tile *t, int32_t pixels)
{
    if (pixels == 4) {
        make_4(t);
    } else {
        eq_coded_pixels(t, pixels, add);
    }
}
