#include "eq_coded_rows.h"

void eq_coded_rows(const struct eq_coded_rows *layer, const int8_t *x, int8_t *row, int8_t *y)
{
    int32_t o;
    for (o = 0; o < layer->rows.window.out_c; o++) {
        eq_decode(&layer->weights, o, 1, row);
        eq_make_channel(&layer->rows, x, row, o, y);
    }
}
