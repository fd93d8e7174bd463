#include "eq_dsp16_3x3.h"

static void make_channel(const struct eq_dsp16_3x3 *d, struct eq_lines *l, int32_t stride,
                         eq_dsp16_lines *make, int32_t c)
{
    const int32_t *const channel = d->channel + 5 * c;
    l->end = l->plane + (d->plane.out_length & ~1) * stride;
    l->weights = channel;
    l->bias = channel[3];
    l->multiplier = channel[4];
    make(l, d->min < 0 ? INT16_MIN : 0);
}

static void walk_image(const struct eq_dsp16_3x3 *d, int32_t stride, eq_dsp16_lines *make,
                       const int16_t *x, int16_t *planes, int16_t *y)
{
    const struct eq_dsp16_plane *g = &d->plane;
    const int32_t paired = g->out_length & ~1;
    struct eq_lines l;
    int32_t c;
    l.out_step = 2 * g->out_step;
    l.skip = stride * (g->pitch - 2 * paired);
    l.advance = stride * g->pitch;
    l.out_skip = 2 * (g->out_line_step - paired * g->out_step);
    l.lines = g->out_lines;
    l.odd = g->out_length & 1;
    l.pitch = g->pitch;
    for (c = 0; c < g->channels; c++) {
        l.plane = planes + (c & 1) * g->elements;
        l.y = (int8_t *)(void *)(y + c);
        if ((c & 1) == 0 && c + 1 < g->channels) {
            eq_dsp16_gather_pair(g, x + c, planes);
        } else if ((c & 1) == 0) {
            eq_dsp16_gather(g, x + c, planes);
        }
        make_channel(d, &l, stride, make, c);
    }
}

void eq_dsp16_3x3_walk(const struct eq_dsp16_3x3 *layer, int32_t stride, eq_dsp16_lines *make,
                       const int16_t *x, int16_t *planes, int16_t *y)
{
    const struct eq_dsp16_plane *g = &layer->plane;
    const int32_t least = layer->min < 0 ? INT16_MIN : 0;
    int32_t n, i;
    eq_dsp16_clear(g, planes, 2);
    for (n = 0; n < g->batch; n++) {
        walk_image(layer, stride, make, x, planes, y);
        for (i = 0; (layer->min > least || layer->max < INT16_MAX) && i < g->out_image; i++) {
            y[i] = (int16_t)eq_clamp(y[i], layer->min, layer->max);
        }
        x += g->in_image;
        y += g->out_image;
    }
}

#ifndef EQ_PLANE_ASM

/* The products of three taps of a line; a word of weights is (w0, w1, w1, w2). */
static int32_t row_sum(const int16_t *x, int32_t weights)
{
    const uint32_t w = (uint32_t)weights;
    return x[0] * (int8_t)(w & 0xff) + x[1] * (int8_t)(w >> 8 & 0xff) + x[2] * (int8_t)(w >> 24);
}

/* What the assembly does, in C. */
void eq_dsp16_3x3_lines(const struct eq_lines *l, int32_t stride, int32_t least)
{
    const int32_t pitch = l->pitch / 2;
    const int32_t length = (int32_t)(l->end - l->plane) / stride + l->odd;
    const int32_t out_line_step = l->out_skip + (length - l->odd) * l->out_step;
    int32_t i, j;
    for (i = 0; i < l->lines; i++) {
        const int16_t *x = l->plane + i * stride * pitch;
        int16_t *const y = (int16_t *)(void *)(l->y + i * out_line_step);
        for (j = 0; j < length; j++, x += stride) {
            const int32_t sum = row_sum(x, l->weights[0]) + row_sum(x + pitch, l->weights[1])
                                + row_sum(x + 2 * pitch, l->weights[2]) + l->bias;
            const int32_t v = eq_multiply_high(sum, l->multiplier);
            y[j * (l->out_step / 2)] = (int16_t)eq_clamp(v, least, INT16_MAX);
        }
    }
}

#endif
