#include "eq_pool.h"

/* The part of a pooling window that lies inside the input. */
struct patch {
    const int8_t *x;
    int32_t rows, columns;
    int32_t row_bytes, pixel_bytes;
};

static struct patch cut_patch(const struct eq_window *g, const int8_t *x, int32_t oy, int32_t ox)
{
    const int32_t row = oy * g->stride_h - g->pad_h, column = ox * g->stride_w - g->pad_w;
    const struct eq_span ky = eq_taps_inside(row, 1, g->kernel_h, g->in_h);
    const struct eq_span kx = eq_taps_inside(column, 1, g->kernel_w, g->in_w);
    struct patch cut;
    cut.rows = ky.end - ky.first;
    cut.columns = kx.end - kx.first;
    cut.pixel_bytes = g->in_c;
    cut.row_bytes = g->in_w * g->in_c;
    cut.x = x + (row + ky.first) * cut.row_bytes + (column + kx.first) * cut.pixel_bytes;
    return cut;
}

/* The mean, rounded half away from zero. */
static int32_t average(const struct patch *p, int32_t c)
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

static int32_t maximum(const struct patch *p, int32_t c)
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
                        int32_t (*reduce)(const struct patch *, int32_t))
{
    const struct eq_window *g = &layer->window;
    int32_t n, oy, ox, c;
    for (n = 0; n < g->batch; n++) {
        for (oy = 0; oy < g->out_h; oy++) {
            for (ox = 0; ox < g->out_w; ox++) {
                const struct patch cut = cut_patch(g, x, oy, ox);
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
