#include "eq_dsp16_pool.h"
#include "eq_dsp.h"
#include "eq_dsp_bytes.h"

/* The part of a window that lies inside the input; steps in bytes. */
struct part {
    int32_t rows, columns;
    int32_t row_step, step;
};

/* Makes two channels; the last two of an odd count overlap those before them. */
typedef void pair_function(const struct part *p, const int8_t *x, int16_t *y);

static inline int16_t mean(int32_t sum, int32_t count)
{
    return (int16_t)((sum > 0 ? sum + count / 2 : sum - count / 2) / count);
}

/* The means, rounded half away from zero. */
static void average(const struct part *p, const int8_t *x, int16_t *y)
{
    const int32_t count = p->rows * p->columns;
    int32_t a = 0, b = 0, row, column;
    for (row = p->rows; row > 0; row--) {
        const int8_t *v = x;
        for (column = p->columns; column > 0; column--) {
            const int32_t two = (int32_t)eq_load_four(v);
            a += (int16_t)two;
            b += two >> 16;
            v += p->step;
        }
        x += p->row_step;
    }
    y[0] = mean(a, count);
    y[1] = mean(b, count);
}

/* The larger of either half. */
static inline int32_t larger(int32_t a, int32_t b)
{
#ifdef EQ_DSP_ASM
    __asm__("ssub16 r12, %0, %1\n\t"
            "sel %0, %0, %1"
            : "+r"(a)
            : "r"(b)
            : "r12", "cc");
    return a;
#else
    const int32_t low = (int16_t)a > (int16_t)b ? a : b, high = a >> 16 > b >> 16 ? a : b;
    return eq_dsp_pair(low, high >> 16);
#endif
}

static void maximum(const struct part *p, const int8_t *x, int16_t *y)
{
    int32_t most = (int32_t)eq_load_four(x), row, column;
    for (row = p->rows; row > 0; row--) {
        const int8_t *v = x;
        for (column = p->columns; column > 0; column--) {
            most = larger(most, (int32_t)eq_load_four(v));
            v += p->step;
        }
        x += p->row_step;
    }
    y[0] = (int16_t)most;
    y[1] = (int16_t)(most >> 16);
}

static void pool_pixel(const struct eq_int16_pool *layer, const int16_t *x, int32_t row,
                       int32_t column, pair_function *reduce, int16_t *y)
{
    const struct eq_window *g = &layer->window;
    const struct eq_span ky = eq_taps_inside(row, 1, g->kernel_h, g->in_h);
    const struct eq_span kx = eq_taps_inside(column, 1, g->kernel_w, g->in_w);
    const int32_t channels = g->in_c;
    const struct part p = {ky.end - ky.first, kx.end - kx.first, 2 * g->in_w * channels,
                           2 * channels};
    int32_t c;
    x += ((row + ky.first) * g->in_w + column + kx.first) * channels;
    for (c = 0; c < channels; c += 2) {
        const int32_t at = c + 2 > channels ? channels - 2 : c;
        reduce(&p, (const int8_t *)(const void *)(x + at), y + at);
    }
    if (layer->min > INT16_MIN || layer->max < INT16_MAX) {
        for (c = 0; c < channels; c++) {
            y[c] = (int16_t)eq_clamp(y[c], layer->min, layer->max);
        }
    }
}

static void pool(const struct eq_int16_pool *layer, const int16_t *x, pair_function *reduce,
                 int16_t *y)
{
    const struct eq_window *g = &layer->window;
    int32_t n, oy, ox;
    for (n = 0; n < g->batch; n++) {
        for (oy = 0; oy < g->out_h; oy++) {
            for (ox = 0; ox < g->out_w; ox++) {
                pool_pixel(layer, x, oy * g->stride_h - g->pad_h, ox * g->stride_w - g->pad_w,
                           reduce, y);
                y += g->out_c;
            }
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}

void eq_dsp16_average_pool(const struct eq_int16_pool *layer, const int16_t *x, int16_t *y)
{
    pool(layer, x, average, y);
}

void eq_dsp16_max_pool(const struct eq_int16_pool *layer, const int16_t *x, int16_t *y)
{
    pool(layer, x, maximum, y);
}
