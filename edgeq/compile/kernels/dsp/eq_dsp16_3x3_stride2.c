#include "eq_dsp16_3x3.h"

#ifdef EQ_PLANE_ASM
#define LINES(saturate)                                                                            \
    __asm__ volatile(EQ_PLANE_LINES(EQ_FIRST_ROW_2, EQ_ROW_2, EQ_DSP16_MULTIPLY, saturate, "strh") \
                     : "+r"(l)                                                                     \
                     :                                                                             \
                     : "r1", "r2", "r3", "r12", "cc", "memory")

static void make_lines(const struct eq_lines *lines, int32_t least)
{
    register const struct eq_lines *l __asm__("r0") = lines;
    if (least == 0) {
        LINES(EQ_DSP16_RECTIFIED);
    } else {
        LINES(EQ_DSP16_SIGNED);
    }
}
#else
static void make_lines(const struct eq_lines *l, int32_t least)
{
    eq_dsp16_3x3_lines(l, 2, least);
}
#endif

void eq_dsp16_3x3_stride2(const struct eq_dsp16_3x3 *layer, const int16_t *x, int8_t *planes,
                          int16_t *y)
{
    eq_dsp16_3x3_walk(layer, 2, make_lines, x, (int16_t *)(void *)planes, y);
}
