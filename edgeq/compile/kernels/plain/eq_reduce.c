#include "eq_reduce.h"

/* With all bits turned, the least number is the greatest. */
static int8_t extreme(const struct eq_reduce *r, const int8_t *x)
{
    const int32_t turn = r->least ? -1 : 0;
    const int32_t inner = r->size[4], outer = r->size[2] * r->size[3] * inner;
    int32_t most = INT8_MIN, i, j;
    for (i = 0; i < r->size[1]; i++) {
        for (j = 0; j < r->size[3]; j++) {
            const int32_t v = x[i * outer + j * inner] ^ turn;
            most = v > most ? v : most;
        }
    }
    return (int8_t)(most ^ turn);
}

void eq_reduce(const struct eq_reduce *layer, const int8_t *x, int8_t *y)
{
    const int32_t *const n = layer->size;
    int32_t i, j, k;
    for (i = 0; i < n[0]; i++) {
        for (j = 0; j < n[2]; j++) {
            for (k = 0; k < n[4]; k++) {
                *y++ = extreme(layer, x + j * n[3] * n[4] + k);
            }
        }
        x += n[1] * n[2] * n[3] * n[4];
    }
}

void eq_arg(const struct eq_arg *layer, const int8_t *x, int32_t *y)
{
    const int32_t turn = layer->least ? -1 : 0, inner = layer->inner;
    int32_t o, i, d;
    for (o = 0; o < layer->outer; o++) {
        for (i = 0; i < inner; i++) {
            int32_t place = 0;
            for (d = 1; d < layer->depth; d++) {
                place = (x[d * inner + i] ^ turn) > (x[place * inner + i] ^ turn) ? d : place;
            }
            *y++ = place;
        }
        x += layer->depth * inner;
    }
}
