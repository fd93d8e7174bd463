#include "eq_int16_pool.h"

/* The part of a window that lies inside the input, of one channel. */
struct patch {
    const int16_t *x;
    int32_t rows, columns;
    int32_t row_step, step;
};

/* The mean, rounded half away from zero. */
static int32_t average(const struct patch *p)
{
    const int32_t count = p->rows * p->columns;
    int32_t sum = 0, i, j;
    for (i = 0; i < p->rows; i++) {
        for (j = 0; j < p->columns; j++) {
            sum += p->x[i * p->row_step + j * p->step];
        }
    }
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

static int32_t maximum(const struct patch *p)
{
    int32_t most = INT16_MIN, i, j;
    for (i = 0; i < p->rows; i++) {
        for (j = 0; j < p->columns; j++) {
            const int32_t v = p->x[i * p->row_step + j * p->step];
            most = v > most ? v : most;
        }
    }
    return most;
}

static int16_t *pool_pixel(const struct eq_int16_pool *layer, const int16_t *x, int32_t row,
                           int32_t column, int32_t (*reduce)(const struct patch *), int16_t *y)
{
    const struct eq_window *g = &layer->window;
    const struct eq_span ky = eq_taps_inside(row, 1, g->kernel_h, g->in_h);
    const struct eq_span kx = eq_taps_inside(column, 1, g->kernel_w, g->in_w);
    struct patch p;
    int32_t c;
    p.rows = ky.end - ky.first;
    p.columns = kx.end - kx.first;
    p.row_step = g->in_w * g->in_c;
    p.step = g->in_c;
    p.x = x + (row + ky.first) * p.row_step + (column + kx.first) * p.step;
    for (c = 0; c < g->in_c; c++) {
        *y++ = (int16_t)eq_clamp(reduce(&p), layer->min, layer->max);
        p.x++;
    }
    return y;
}

static void pool(const struct eq_int16_pool *layer, const int16_t *x,
                 int32_t (*reduce)(const struct patch *), int16_t *y)
{
    const struct eq_window *g = &layer->window;
    int32_t n, oy, ox;
    for (n = 0; n < g->batch; n++) {
        for (oy = 0; oy < g->out_h; oy++) {
            for (ox = 0; ox < g->out_w; ox++) {
                y = pool_pixel(layer, x, oy * g->stride_h - g->pad_h, ox * g->stride_w - g->pad_w,
                               reduce, y);
            }
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}

void eq_int16_average_pool(const struct eq_int16_pool *layer, const int16_t *x, int16_t *y)
{
    pool(layer, x, average, y);
}

void eq_int16_max_pool(const struct eq_int16_pool *layer, const int16_t *x, int16_t *y)
{
    pool(layer, x, maximum, y);
}
