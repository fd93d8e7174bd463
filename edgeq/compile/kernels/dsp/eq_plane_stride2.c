#include "eq_plane_lines.h"

#ifdef EQ_PLANE_ASM

static void lines(const struct eq_lines *lines)
{
    register const struct eq_lines *l __asm__("r0") = lines;
    __asm__ volatile(EQ_PLANE_LINES(EQ_FIRST_ROW_2, EQ_ROW_2, EQ_PLANE_MULTIPLY,
                                    EQ_PLANE_SATURATE, "strb")
                     : "+r"(l)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}
#else
static void lines(const struct eq_lines *l)
{
    eq_plane_lines(l, 2);
}
#endif

void eq_plane_stride2(const struct eq_plane *layer, const int8_t *x, int8_t *plane, int8_t *y)
{
    eq_plane_walk(layer, 2, lines, x, (int16_t *)(void *)plane, y);
}
