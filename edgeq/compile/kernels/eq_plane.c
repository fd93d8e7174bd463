#include "eq_plane_lines.h"

/* Bytes go into the high halves of the elements, whose low halves are nought: 256 * x. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define HIGH 0
#else
#define HIGH 1
#endif

static void clear(const struct eq_plane *g, int16_t *plane)
{
    const int16_t zero = (int16_t)(g->in_zero * 256);
    int32_t i;
    for (i = 0; i < g->elements; i++) {
        plane[i] = zero;
    }
}

static void gather(const struct eq_plane *g, const int8_t *x, int16_t *plane)
{
    const int32_t step = g->in_step, step3 = 3 * step, length = g->in_length;
    int8_t *line = (int8_t *)(plane + g->first) + HIGH;
    int32_t i, n;
    for (i = 0; i < g->in_lines; i++) {
        const int8_t *from = x;
        int8_t *to = line;
        for (n = length >> 2; n > 0; n--) {
            to[0] = from[0];
            to[2] = from[step];
            to[4] = from[2 * step];
            to[6] = from[step3];
            to += 8;
            from += 4 * step;
        }
        for (n = length & 3; n > 0; n--) {
            *to = *from;
            to += 2;
            from += step;
        }
        x += g->in_line_step;
        line += g->pitch;
    }
}

/* 256 * the products of three taps of a line; a word of weights is (w0, w1, w1, w2). */
static int32_t row_sum(const int16_t *x, int32_t weights)
{
    const uint32_t w = (uint32_t)weights;
    return x[0] * (int8_t)(w & 0xff) + x[1] * (int8_t)(w >> 8 & 0xff) + x[2] * (int8_t)(w >> 24);
}

static int32_t window_sum(const int16_t *x, int32_t pitch, const int32_t *weights)
{
    return row_sum(x, weights[0]) + row_sum(x + pitch, weights[1])
           + row_sum(x + 2 * pitch, weights[2]);
}

/* The lines of a channel without proof. */
static void exact_lines(const struct eq_plane *g, const struct eq_lines *l, int32_t stride,
                        int32_t shift)
{
    const int32_t pitch = g->pitch / 2;
    int32_t i, j;
    for (i = 0; i < g->out_lines; i++) {
        const int16_t *x = l->plane + i * stride * pitch;
        int8_t *y = l->y + i * g->out_line_step;
        for (j = 0; j < g->out_length; j++) {
            const int32_t sum = window_sum(x, pitch, l->weights) / 256 + l->bias;
            const int32_t v = eq_requantize(sum, l->multiplier, shift) + g->zero;
            *y = (int8_t)eq_clamp(v, g->min, g->max);
            x += stride;
            y += g->out_step;
        }
    }
}

/* What the assembly does, in C. */
void eq_plane_lines(const struct eq_lines *l, int32_t stride)
{
    const int32_t pitch = l->pitch / 2;
    const int32_t length = (int32_t)(l->end - l->plane) / stride + l->odd;
    const int32_t out_line_step = l->out_skip + (length - l->odd) * l->out_step;
    int32_t i, j;
    for (i = 0; i < l->lines; i++) {
        const int16_t *x = l->plane + i * stride * pitch;
        int8_t *y = l->y + i * out_line_step;
        for (j = 0; j < length; j++) {
            const int32_t sum = window_sum(x, pitch, l->weights) + l->bias;
            const int32_t v = (int32_t)(((int64_t)sum * l->multiplier) >> 32) >> EQ_PLANE_SHIFT;
            *y = (int8_t)eq_clamp(v, INT8_MIN, INT8_MAX);
            x += stride;
            y += l->out_step;
        }
    }
}

static void walk_image(const struct eq_plane *g, int32_t stride, eq_line_kernel *kernel,
                       const int8_t *x, int16_t *plane, int8_t *y)
{
    const int32_t paired = g->out_length & ~1;
    const int32_t *channel = g->channel;
    struct eq_lines l;
    int32_t c;
    l.end = plane + paired * stride;
    l.out_step = g->out_step;
    l.skip = stride * (g->pitch - 2 * paired);
    l.advance = stride * g->pitch;
    l.out_skip = g->out_line_step - paired * g->out_step;
    l.lines = g->out_lines;
    l.odd = g->out_length & 1;
    l.plane = plane;
    l.pitch = g->pitch;
    for (c = 0; c < g->channels; c++) {
        gather(g, x + c, plane);
        l.weights = channel;
        l.bias = channel[3];
        l.multiplier = channel[4];
        l.y = y + c;
        if (g->shift == 0 || g->shift[c] == EQ_PLANE_PROVED) {
            kernel(&l);
        } else {
            exact_lines(g, &l, stride, g->shift[c]);
        }
        channel += 5;
    }
}

void eq_plane_walk(const struct eq_plane *layer, int32_t stride, eq_line_kernel *kernel,
                   const int8_t *x, int16_t *plane, int8_t *y)
{
    int32_t n;
    clear(layer, plane);
    for (n = 0; n < layer->batch; n++) {
        walk_image(layer, stride, kernel, x, plane, y);
        x += layer->in_bytes;
        y += layer->out_bytes;
    }
}
