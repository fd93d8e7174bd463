#include "eq_dsp_border.h"

static int8_t *fill(int8_t *to, int32_t value, int32_t count)
{
    const int32_t word = (int32_t)((uint32_t)(uint8_t)value * 0x01010101u);
    for (; count >= 4; count -= 4, to += 4) {
        eq_dsp_store(to, word);
    }
    for (; count > 0; count--) {
        *to++ = (int8_t)value;
    }
    return to;
}

static int8_t *copy(int8_t *to, const int8_t *from, int32_t count)
{
    for (; count >= 4; count -= 4, to += 4, from += 4) {
        eq_dsp_store(to, eq_dsp_load(from));
    }
    for (; count > 0; count--) {
        *to++ = *from++;
    }
    return to;
}

void eq_dsp_border(const struct eq_window *g, int32_t zero, const int8_t *x, int32_t row,
                   int32_t column, int32_t rows, int32_t step, int32_t columns, int8_t *to)
{
    const int32_t depth = g->in_c, end = column + columns;
    const int32_t first = column >= 0 ? 0 : end > 0 ? -column : columns;
    const int32_t last = end <= g->in_w ? columns : column < g->in_w ? g->in_w - column : 0;
    for (; rows > 0; rows--, row += step) {
        if (row < 0 || row >= g->in_h || first >= last) {
            to = fill(to, zero, columns * depth);
        } else {
            to = fill(to, zero, first * depth);
            to = copy(to, x + (row * g->in_w + column + first) * depth, (last - first) * depth);
            to = fill(to, zero, (columns - last) * depth);
        }
    }
}
