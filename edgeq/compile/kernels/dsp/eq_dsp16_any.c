#include "eq_dsp16_any.h"
#include "eq_dsp.h"
#include "eq_dsp16_output.h"

/* An output channel: its pairs of weights, and what eq_dsp16_multiplier says. */
struct channel {
    int32_t index;
    int32_t bias;
    int32_t multiplier;
    int32_t weights[EQ_DSP16_WORDS];
};

static struct channel make_channel(const struct eq_dsp16_any *d, const int8_t *weights,
                                   int32_t index)
{
    struct channel c;
    int32_t i;
    c.index = index;
    c.bias = (int32_t)d->out.bias[index];
    c.multiplier = eq_dsp16_multiplier(&d->out, index);
    for (i = 0; i < d->rows * d->words; i++) {
        c.weights[i] = eq_dsp_pair(weights[2 * i], weights[2 * i + 1]);
    }
    return c;
}

/* sum + the products of a row of a window. */
typedef int32_t row_function(const int16_t *x, const int32_t *w, int32_t words, int32_t sum);

static inline int32_t add_two(const int16_t *x, int32_t weights, int32_t sum)
{
    return eq_dsp_smlad(eq_dsp16_two(x), weights, sum);
}

static inline int32_t add_row_of_2(const int16_t *x, const int32_t *w, int32_t words, int32_t sum)
{
    (void)words;
    return add_two(x + 2, w[1], add_two(x, w[0], sum));
}

static inline int32_t add_row_of_3(const int16_t *x, const int32_t *w, int32_t words, int32_t sum)
{
    return add_two(x + 4, w[2], add_row_of_2(x, w, words, sum));
}

static inline int32_t add_row(const int16_t *x, const int32_t *w, int32_t words, int32_t sum)
{
    int32_t i;
    for (i = 0; i < words; i++) {
        sum = add_two(x + 2 * i, w[i], sum);
    }
    return sum;
}

EQ_DSP_INLINE void make_lines(const struct eq_dsp16_any *d, const struct channel *c,
                              const int16_t *plane, int16_t *y, row_function *row)
{
    const struct eq_dsp16_plane g = d->plane;
    const struct eq_int16_output q = d->out;
    const int32_t rows = d->rows, words = d->words, row_step = d->row_step, step = d->step;
    int32_t i, j, r;
    for (i = 0; i < g.out_lines; i++) {
        const int16_t *window = plane + i * d->advance;
        int16_t *to = y + i * g.out_line_step;
        for (j = 0; j < g.out_length; j++) {
            const int16_t *x = window;
            const int32_t *weights = c->weights;
            int32_t sum = c->bias;
            for (r = rows; r > 0; r--) {
                sum = row(x, weights, words, sum);
                weights += words;
                x += row_step;
            }
            *to = eq_dsp16_finish(&q, sum, c->multiplier, c->index);
            to += g.out_step;
            window += step;
        }
    }
}

static void make_output(const struct eq_dsp16_any *d, const struct channel *c,
                        const int16_t *plane, int16_t *y)
{
    if (d->words == 2) {
        make_lines(d, c, plane, y, add_row_of_2);
    } else if (d->words == 3) {
        make_lines(d, c, plane, y, add_row_of_3);
    } else {
        make_lines(d, c, plane, y, add_row);
    }
}

void eq_dsp16_any(const struct eq_dsp16_any *layer, const int16_t *x, int8_t *plane, int16_t *y)
{
    const struct eq_dsp16_plane *g = &layer->plane;
    int16_t *const elements = (int16_t *)(void *)plane;
    int32_t n, i, o;
    eq_dsp16_clear(g, elements, 1);
    for (n = 0; n < g->batch; n++) {
        const int8_t *weights = layer->weights;
        for (i = 0, o = 0; i < g->channels; i++) {
            eq_dsp16_gather(g, x + i, elements);
            for (; o < (i + 1) * layer->copies; o++) {
                const struct channel c = make_channel(layer, weights, o);
                make_output(layer, &c, elements, y + o);
                weights += 2 * layer->rows * layer->words;
            }
        }
        x += g->in_image;
        y += g->out_image;
    }
}
