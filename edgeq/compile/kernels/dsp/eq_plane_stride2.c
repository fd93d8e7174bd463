#include "eq_plane_lines.h"

#ifdef EQ_PLANE_ASM

/* Two outputs from the elements x0 .. x4 of a line: r6 of x0 .. x2, r7 of x2 .. x4. */
#define ROW(p, w01, w12)                                                                           \
    "ldrd r4, r5, [" p "], #8\n"                                                                   \
    "smlad r7, r5, " w01 ", r7\n"                                                                  \
    REST(p, w01, w12)
#define FIRST_ROW(p, w01, w12)                                                                     \
    "ldrd r4, r5, [" p "], #8\n"                                                                   \
    "cmp " p ", r7\n"                                                                              \
    "smlad r7, r5, " w01 ", r6\n"                                                                  \
    REST(p, w01, w12)
#define REST(p, w01, w12)                                                                          \
    "smlad r6, r4, " w01 ", r6\n"                                                                  \
    "ldr r4, [" p "]\n"                                                                            \
    "smlabt r6, r5, " w12 ", r6\n"                                                                 \
    "smlabt r7, r4, " w12 ", r7\n"

static void lines(const struct eq_lines *lines)
{
    register const struct eq_lines *l __asm__("r0") = lines;
    __asm__ volatile(EQ_PLANE_LINES(FIRST_ROW, ROW)
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
