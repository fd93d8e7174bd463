#include "eq_plane_lines.h"

/* Bytes go into the high halves of the elements, whose low halves are nought: 256 * x. */
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define HIGH 0
#else
#define HIGH 1
#endif

void eq_plane_clear(const struct eq_plane *g, int16_t *plane, int32_t planes)
{
    const int16_t zero = (int16_t)(g->in_zero * 256);
    int32_t i;
    for (i = 0; i < planes * g->elements; i++) {
        plane[i] = zero;
    }
}

void eq_plane_gather(const struct eq_plane *g, const int8_t *x, int16_t *plane)
{
    int8_t *line = (int8_t *)(plane + g->first) + HIGH;
    int32_t i, j;
    for (i = 0; i < g->in_lines; i++) {
        const int8_t *from = x;
        for (j = 0; j < g->in_length; j++) {
            line[2 * j] = *from;
            from += g->in_step;
        }
        x += g->in_line_step;
        line += g->pitch;
    }
}

#ifdef EQ_PLANE_ASM

/* Where two neighbouring channels come from, and go to. */
struct ends {
    const int8_t *x;
    int16_t *a, *b;
};

static inline void gather_one(struct ends *e, int32_t step)
{
    const int32_t both = e->x[0] & 0xff;
    *e->a++ = (int16_t)(both << 8);
    *e->b++ = (int16_t)(e->x[1] * 256);
    e->x += step;
}

/* Four elements of either channel; a and b are aligned to words. */
static inline void gather_fours(struct ends *e, int32_t step, int32_t fours)
{
    int32_t p, q, r, s;
    __asm__ volatile("1:\n"
                     "ldrh %0, [%4]\n"
                     "ldrh %1, [%4, %8]\n"
                     "ldrh %2, [%4, %8, lsl #1]\n"
                     "ldrh %3, [%4, %9]\n"
                     "add %4, %4, %8, lsl #2\n"
                     "orr %0, %0, %1, lsl #16\n"
                     "orr %2, %2, %3, lsl #16\n"
                     "and %1, %10, %0\n"
                     "and %3, %10, %2\n"
                     "and %0, %10, %0, lsl #8\n"
                     "and %2, %10, %2, lsl #8\n"
                     "strd %0, %2, [%5], #8\n"
                     "strd %1, %3, [%6], #8\n"
                     "subs %7, %7, #1\n"
                     "bne 1b\n"
                     : "=&r"(p), "=&r"(q), "=&r"(r), "=&r"(s), "+&r"(e->x), "+&r"(e->a),
                       "+&r"(e->b), "+&r"(fours)
                     : "r"(step), "r"(3 * step), "r"(0xff00ff00)
                     : "cc", "memory");
}

static void gather_pair(const struct eq_plane *g, const int8_t *x, int16_t *a, int16_t *b)
{
    const int32_t step = g->in_step, first = g->first & 1;
    const int32_t fours = (g->in_length - first) >> 2, rest = (g->in_length - first) & 3;
    int32_t i, n;
    a += g->first;
    b += g->first;
    for (i = 0; i < g->in_lines; i++) {
        struct ends e;
        e.x = x;
        e.a = a;
        e.b = b;
        if (first) {
            gather_one(&e, step);
        }
        if (fours > 0) {
            gather_fours(&e, step, fours);
        }
        for (n = rest; n > 0; n--) {
            gather_one(&e, step);
        }
        x += g->in_line_step;
        a += g->pitch / 2;
        b += g->pitch / 2;
    }
}
#else
static void gather_pair(const struct eq_plane *g, const int8_t *x, int16_t *a, int16_t *b)
{
    eq_plane_gather(g, x, a);
    eq_plane_gather(g, x + 1, b);
}
#endif

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

static void walk_channel(const struct eq_plane *g, struct eq_lines *l, int32_t stride,
                         eq_line_kernel *kernel, int32_t c)
{
    const int32_t *const channel = g->channel + 5 * c;
    l->end = l->plane + (g->out_length & ~1) * stride;
    l->weights = channel;
    l->bias = channel[3];
    l->multiplier = channel[4];
    if (g->shift == 0 || g->shift[c] == EQ_PLANE_PROVED) {
        kernel(l);
    } else {
        exact_lines(g, l, stride, g->shift[c]);
    }
}

static void walk_image(const struct eq_plane *g, int32_t stride, eq_line_kernel *kernel,
                       const int8_t *x, int16_t *plane, int8_t *y)
{
    const int32_t paired = g->out_length & ~1;
    struct eq_lines l;
    int32_t c;
    l.out_step = g->out_step;
    l.skip = stride * (g->pitch - 2 * paired);
    l.advance = stride * g->pitch;
    l.out_skip = g->out_line_step - paired * g->out_step;
    l.lines = g->out_lines;
    l.odd = g->out_length & 1;
    l.pitch = g->pitch;
    for (c = 0; c < g->channels; c++) {
        l.plane = plane + (c & 1) * g->elements;
        l.y = y + c;
        if ((c & 1) == 0 && c + 1 < g->channels) {
            gather_pair(g, x + c, plane, plane + g->elements);
        } else if ((c & 1) == 0) {
            eq_plane_gather(g, x + c, plane);
        }
        walk_channel(g, &l, stride, kernel, c);
    }
}

void eq_plane_walk(const struct eq_plane *layer, int32_t stride, eq_line_kernel *kernel,
                   const int8_t *x, int16_t *plane, int8_t *y)
{
    int32_t n;
    eq_plane_clear(layer, plane, 2);
    for (n = 0; n < layer->batch; n++) {
        walk_image(layer, stride, kernel, x, plane, y);
        x += layer->in_bytes;
        y += layer->out_bytes;
    }
}
