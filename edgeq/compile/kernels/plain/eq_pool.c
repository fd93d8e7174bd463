#include "eq_pool.h"

#include "eq_patch.h"

/* The mean, rounded half away from zero. */
static int32_t average(const struct eq_patch *p, int32_t c)
{
    const int32_t count = p->rows * p->columns;
    int32_t sum = 0, row, column;
    for (row = 0; row < p->rows; row++) {
        const int8_t *v = p->x + row * p->row_bytes + c;
        for (column = 0; column < p->columns; column++) {
            sum += *v;
            v += p->pixel_bytes;
        }
    }
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

static int32_t maximum(const struct eq_patch *p, int32_t c)
{
    int32_t most = INT8_MIN, row, column;
    for (row = 0; row < p->rows; row++) {
        const int8_t *v = p->x + row * p->row_bytes + c;
        for (column = 0; column < p->columns; column++) {
            most = *v > most ? *v : most;
            v += p->pixel_bytes;
        }
    }
    return most;
}

static inline void pool(const struct eq_pool *layer, const int8_t *x, int8_t *y,
                        int32_t (*reduce)(const struct eq_patch *, int32_t))
{
    const struct eq_window *g = &layer->window;
    int32_t n, oy, ox, c;
    for (n = 0; n < g->batch; n++) {
        for (oy = 0; oy < g->out_h; oy++) {
            for (ox = 0; ox < g->out_w; ox++) {
                const struct eq_patch cut = eq_cut_patch(g, x, oy, ox);
                for (c = 0; c < g->in_c; c++) {
                    *y++ = (int8_t)eq_clamp(reduce(&cut, c), layer->min, layer->max);
                }
            }
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}

void eq_average_pool(const struct eq_pool *layer, const int8_t *x, int8_t *y)
{
    pool(layer, x, y, average);
}

void eq_max_pool(const struct eq_pool *layer, const int8_t *x, int8_t *y)
{
    pool(layer, x, y, maximum);
}
