#include "eq_resize.h"

static int32_t blend(int32_t a, int32_t b, int32_t part)
{
    return a * (1024 - part) + b * part;
}

/* One output row from the two input rows around it. */
static int8_t *resize_row(const struct eq_resize *s, const int8_t *upper, const int8_t *lower,
                          int32_t down, int8_t *y)
{
    int32_t j, c;
    for (j = 0; j < s->columns; j++) {
        const int32_t *const column = s->column + 3 * j;
        const int32_t left = column[0], right = column[1], across = column[2];
        for (c = 0; c < s->channels; c++) {
            const int32_t top = blend(upper[left + c], upper[right + c], across);
            const int32_t bottom = blend(lower[left + c], lower[right + c], across);
            const int32_t v = blend(top, bottom, down);
            *y++ = (int8_t)((v + (v > 0 ? 1 << 19 : -(1 << 19))) / (1 << 20));
        }
    }
    return y;
}

void eq_resize(const struct eq_resize *layer, const int8_t *x, int8_t *y)
{
    int32_t b, i;
    for (b = 0; b < layer->batch; b++) {
        for (i = 0; i < layer->rows; i++) {
            const int32_t *const row = layer->row + 3 * i;
            y = resize_row(layer, x + row[0], x + row[1], row[2], y);
        }
        x += layer->in_bytes;
    }
}
