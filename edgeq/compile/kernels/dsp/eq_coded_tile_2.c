#include "eq_coded_tile.h"

static const uint8_t *add(const struct eq_coded_tile *t, const uint8_t *codes, int32_t *a,
                          int32_t *b)
{
    int32_t sum = *a, both = *a;
    const int32_t *x;
    for (x = t->x; x != t->end; x += 4) {
        const int32_t word = eq_coded_word(t, *codes++);
        sum = eq_dsp_smlad(*x, eq_dsp_sxtb16(word), sum);
        both = eq_dsp_smlad(*x, word, both);
    }
    *b += (both - sum) >> 8;
    *a = sum;
    return codes;
}

#ifdef EQ_DSP_ASM

#define STEP "ldrb r12, [r1], #1\n" BOTH

EQ_DSP_NAKED static void make_4(const struct eq_coded_tile *t EQ_UNUSED)
{
    TILE(BOTH_START, STEP STEP STEP STEP, BOTH_END);
}

#else

static void make_4(const struct eq_coded_tile *t)
{
    eq_coded_pixels(t, 4, add);
}

#endif

void eq_coded_tile_2(const struct eq_coded_tile *t, int32_t pixels)
{
    if (pixels == 4) {
        make_4(t);
    } else {
        eq_coded_pixels(t, pixels, add);
    }
}
