#include "eq_coded_quads.h"

#include "eq_coded_words.h"

/* pairs[a + 16 * b] = (b, a) as they lie in half a word. */
static void pair_values(const int8_t *book, uint16_t *pairs)
{
    int32_t a, b;
    for (a = 0; a < 16; a++) {
        for (b = 0; b < 16; b++) {
            *pairs++ = (uint16_t)(256 * book[a] + book[b]);
        }
    }
}

/* `count` words, each the pairs of two bytes. */
static void decode_pairs(const uint8_t *codes, const uint16_t *pairs, int32_t count, int32_t *words)
{
    const uint8_t *const end = codes + 2 * count;
    for (; codes != end; codes += 2) {
        *words++ = (int32_t)(pairs[codes[0]] | (uint32_t)pairs[codes[1]] << 16);
    }
}

void eq_coded_quads(const struct eq_coded_quads *layer, const int8_t *x, int8_t *scratch,
                    int8_t *y)
{
    const struct eq_codes *const w = &layer->weights;
    const struct eq_output *const out = &layer->dense.out;
    const int32_t outputs = layer->dense.outputs, row = eq_codes_row(w) / 4;
    int32_t *const words = (int32_t *)(void *)scratch;
    uint16_t *const pairs = (uint16_t *)(void *)(words + layer->chunk / 2 * row);
    struct eq_dense_quads part = layer->dense;
    int32_t o;
    if (w->each == 2) {
        pair_values(w->book, pairs);
    }
    part.weights = words;
    for (o = 0; o < outputs; o += layer->chunk) {
        int32_t rows;
        part.outputs = outputs - o < layer->chunk ? outputs - o : layer->chunk;
        rows = (part.outputs + 1) / 2;
        if (w->each == 2) {
            decode_pairs(w->codes + o / 2 * w->bytes, pairs, rows * row, words);
        } else {
            eq_decode(w, o / 2, rows, scratch);
        }
        part.out.bias = out->bias + o;
        part.out.multiplier = out->multiplier + (o & out->mask);
        part.out.shift = out->shift + (o & out->mask);
        eq_dense_quads(&part, x, y + o);
    }
}
