#include "eq_coded_plane.h"

void eq_coded_plane(const struct eq_coded_plane *layer, const int8_t *x, int8_t *scratch,
                    int8_t *y)
{
    struct eq_plane part = layer->plane;
    const int32_t channels = part.channels;
    const int8_t *const shift = part.shift;
    int32_t *const words = (int32_t *)(void *)scratch;
    int32_t c, i;
    part.channel = words;
    for (c = 0; c < channels; c += layer->chunk) {
        part.channels = channels - c < layer->chunk ? channels - c : layer->chunk;
        for (i = 0; i < part.channels; i++) {
            eq_decode(&layer->weights, c + i, 1, scratch + 20 * i);
            words[5 * i + 3] = layer->rest[2 * (c + i)];
            words[5 * i + 4] = layer->rest[2 * (c + i) + 1];
        }
        part.shift = shift ? shift + c : 0;
        layer->kernel(&part, x + c, scratch + 20 * layer->chunk, y + c);
    }
}
