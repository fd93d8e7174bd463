#include "eq_plane_lines.h"

static void lines(const struct eq_lines *l)
{
    eq_plane_lines(l, 2);
}

void eq_plane_stride2(const struct eq_plane *layer, const int8_t *x, int8_t *plane, int8_t *y)
{
    eq_plane_walk(layer, 2, lines, x, (int16_t *)(void *)plane, y);
}
