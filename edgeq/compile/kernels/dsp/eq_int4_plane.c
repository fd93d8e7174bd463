#include "eq_int4_plane.h"

/* `bytes` of two weights each. */
static void unpack(const int8_t *packed, int32_t bytes, int8_t *w)
{
    int32_t i;
    for (i = 0; i < bytes; i++) {
        const int32_t two = (uint8_t)packed[i];
        w[2 * i] = (int8_t)((two & 15) - 8);
        w[2 * i + 1] = (int8_t)((two >> 4) - 8);
    }
}

void eq_int4_plane(const struct eq_int4_plane *layer, const int8_t *x, int8_t *scratch, int8_t *y)
{
    const int32_t channels = layer->any.plane.channels, copies = layer->any.copies;
    const int32_t bytes = copies * layer->any.rows * layer->any.words;
    const struct eq_output *const out = &layer->any.out;
    struct eq_plane_any part = layer->any;
    int32_t c;
    part.weights = scratch;
    for (c = 0; c < channels; c += layer->chunk) {
        const int32_t left = channels - c, made = left < layer->chunk ? left : layer->chunk;
        const int32_t o = c * copies;
        unpack(layer->weights + c * bytes, made * bytes, scratch);
        part.plane.channels = made;
        part.out.bias = out->bias + o;
        part.out.multiplier = out->multiplier + (o & out->mask);
        part.out.shift = out->shift + (o & out->mask);
        eq_plane_any(&part, x + c, scratch + ((2 * layer->chunk * bytes + 3) & ~3), y + o);
    }
}
