#include "eq_coded_tiles.h"

#include "eq_coded_words.h"

/* The stream of `pairs` pairs; returns where it ends. */
static int32_t *expand(const struct eq_coded_tiles *layer, int32_t first, int32_t pairs,
                       int32_t *stream)
{
    const int32_t steps = layer->conv.matrix.steps;
    const int32_t *rest = layer->rest + 5 * first;
    int32_t k;
    for (; pairs > 0; pairs--, first++) {
        *stream++ = rest[0];
        eq_decode_words(&layer->weights, first, 1, stream);
        stream += steps;
        for (k = 1; k < 5; k++) {
            *stream++ = rest[k];
        }
        rest += 5;
    }
    return stream;
}

void eq_coded_tiles(const struct eq_coded_tiles *layer, const int8_t *x, int8_t *scratch,
                    int8_t *y)
{
    const int32_t outputs = layer->conv.matrix.outputs;
    int32_t *const stream = (int32_t *)(void *)scratch;
    struct eq_dsp_conv part = layer->conv;
    int32_t o;
    part.matrix.stream = stream;
    for (o = 0; o < outputs; o += layer->chunk) {
        const int32_t left = outputs - o, made = left < layer->chunk ? left : layer->chunk;
        int32_t *const end = expand(layer, o / 2, (made + 1) / 2, stream);
        part.matrix.made = made;
        eq_dsp_conv(&part, x, (int8_t *)(void *)end, y + o);
    }
}
