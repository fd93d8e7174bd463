#include "eq_coded_plane_any.h"

void eq_coded_plane_any(const struct eq_coded_plane_any *layer, const int8_t *x, int8_t *scratch,
                        int8_t *y)
{
    const int32_t channels = layer->any.plane.channels, copies = layer->any.copies;
    const int32_t bytes = (layer->chunk * eq_codes_row(&layer->weights) + 3) & ~3;
    const struct eq_output *const out = &layer->any.out;
    struct eq_plane_any part = layer->any;
    int32_t c;
    part.weights = scratch;
    for (c = 0; c < channels; c += layer->chunk) {
        const int32_t left = channels - c, o = c * copies;
        part.plane.channels = left < layer->chunk ? left : layer->chunk;
        eq_decode(&layer->weights, c, part.plane.channels, scratch);
        part.out.bias = out->bias + o;
        part.out.multiplier = out->multiplier + (o & out->mask);
        part.out.shift = out->shift + (o & out->mask);
        eq_plane_any(&part, x + c, scratch + bytes, y + o);
    }
}
