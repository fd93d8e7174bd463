#include "eq_plane_any.h"

#include "eq_dsp_bytes.h"
#include "eq_plane_lines.h"

typedef int32_t row_function(const int16_t *x, const int32_t *weights, int32_t words, int32_t acc);

/* acc + the products of two elements with two weights. */
static inline int32_t add_two(const int16_t *x, int32_t weights, int32_t acc)
{
#ifdef EQ_DSP_ASM
    __asm__("smlad %0, %1, %2, %0"
            : "+r"(acc)
            : "r"(eq_load_four((const int8_t *)x)), "r"(weights));
    return acc;
#else
    return acc + x[0] * (int16_t)(weights & 0xffff) + x[1] * (weights >> 16);
#endif
}

static inline int32_t add_row_of_2(const int16_t *x, const int32_t *w, int32_t words, int32_t acc)
{
    (void)words;
    return add_two(x + 2, w[1], add_two(x, w[0], acc));
}

static inline int32_t add_row_of_3(const int16_t *x, const int32_t *w, int32_t words, int32_t acc)
{
    (void)words;
    return add_two(x + 4, w[2], add_two(x + 2, w[1], add_two(x, w[0], acc)));
}

static inline int32_t add_row(const int16_t *x, const int32_t *w, int32_t words, int32_t acc)
{
    int32_t i;
    for (i = 0; i < words; i++) {
        acc = add_two(x + 2 * i, w[i], acc);
    }
    return acc;
}

static inline void make_lines(const struct eq_plane_any *d, const int16_t *plane,
                              const int32_t *weights, int32_t channel, int8_t *y, row_function *row)
{
    const struct eq_plane *g = &d->plane;
    const struct eq_output q = d->out;
    int32_t i, j, r;
    for (i = 0; i < g->out_lines; i++) {
        const int16_t *window = plane + i * d->advance;
        int8_t *to = y + i * g->out_line_step;
        for (j = 0; j < g->out_length; j++) {
            const int16_t *x = window;
            const int32_t *w = weights;
            int32_t acc = 0;
            for (r = d->rows; r > 0; r--) {
                acc = row(x, w, d->words, acc);
                x += d->row_step;
                w += d->words;
            }
            *to = eq_finish(&q, (acc >> 8) + q.bias[channel], channel);
            to += g->out_step;
            window += d->step;
        }
    }
}

/* One output channel: its weights are widened to pairs first. */
static void make_channel(const struct eq_plane_any *d, const int16_t *plane, const int8_t *weights,
                         int32_t channel, int8_t *y)
{
    int32_t words[EQ_PLANE_WORDS], i;
    for (i = 0; i < d->rows * d->words; i++) {
        const uint32_t low = (uint32_t)weights[2 * i] & 0xffff;
        words[i] = (int32_t)(low | (uint32_t)weights[2 * i + 1] << 16);
    }
    if (d->words == 2) {
        make_lines(d, plane, words, channel, y, add_row_of_2);
    } else if (d->words == 3) {
        make_lines(d, plane, words, channel, y, add_row_of_3);
    } else {
        make_lines(d, plane, words, channel, y, add_row);
    }
}

void eq_plane_any(const struct eq_plane_any *layer, const int8_t *x, int8_t *plane, int8_t *y)
{
    const struct eq_plane *g = &layer->plane;
    int16_t *const elements = (int16_t *)(void *)plane;
    const int32_t taps = 2 * layer->rows * layer->words;
    int32_t n, c, i;
    eq_plane_clear(g, elements, 1);
    for (n = 0; n < g->batch; n++) {
        const int8_t *weights = layer->weights;
        int32_t channel = 0;
        for (c = 0; c < g->channels; c++) {
            eq_plane_gather(g, x + c, elements);
            for (i = 0; i < layer->copies; i++) {
                make_channel(layer, elements, weights, channel, y + channel);
                weights += taps;
                channel++;
            }
        }
        x += g->in_bytes;
        y += g->out_bytes;
    }
}
