#include "eq_coded_mve.h"

#if defined(__ARM_FEATURE_MVE)

static int8_t *decode_twos(const uint8_t *codes, const uint8_t *end, const int8_t *book, int8_t *w)
{
    for (; codes != end; codes += 16, w += 32) {
        const uint8x16_t v = vldrbq_u8(codes);
        int8x16x2_t two;
        two.val[0] = vldrbq_gather_offset_s8(book, vandq_u8(v, vdupq_n_u8(15)));
        two.val[1] = vldrbq_gather_offset_s8(book, vshrq_n_u8(v, 4));
        vst2q_s8(w, two);
    }
    return w;
}

/* The book has two weights for each four bits: that of a single code is every other one. */
static int8_t *decode_fours(const uint8_t *codes, const uint8_t *end, const int8_t *book, int8_t *w)
{
    const uint8x16_t mask = vdupq_n_u8(6);
    for (; codes != end; codes += 16, w += 64) {
        const uint8x16_t v = vldrbq_u8(codes);
        int8x16x4_t four;
        four.val[0] = vldrbq_gather_offset_s8(book, vandq_u8(vshlq_n_u8(v, 1), mask));
        four.val[1] = vldrbq_gather_offset_s8(book, vandq_u8(vshrq_n_u8(v, 1), mask));
        four.val[2] = vldrbq_gather_offset_s8(book, vandq_u8(vshrq_n_u8(v, 3), mask));
        four.val[3] = vldrbq_gather_offset_s8(book, vandq_u8(vshrq_n_u8(v, 5), mask));
        vst4q_s8(w, four);
    }
    return w;
}

/* Sixteen codes of a bit are a predicate. */
static int8_t *decode_eights(const uint8_t *codes, const uint8_t *end, const int8_t *book,
                             int8_t *w)
{
    const int8x16_t clear = vdupq_n_s8(book[0]), set = vdupq_n_s8(book[4]);
    for (; codes != end; codes += 2, w += 16) {
        const mve_pred16_t p = (mve_pred16_t)(codes[0] | codes[1] << 8);
        vstrbq_s8(w, vpselq_s8(set, clear, p));
    }
    return w;
}

/* Rows of whole sixteens of bytes, or of a multiple of sixteen weights of a bit each. */
static void decode_tiles(const struct eq_codes *c, int32_t first, int32_t rows, int8_t *w)
{
    const uint8_t *const codes = c->codes + first * c->bytes, *const end = codes + rows * c->bytes;
    if (c->each == 2) {
        decode_twos(codes, end, c->book, w);
    } else if (c->each == 4) {
        decode_fours(codes, end, c->book, w);
    } else {
        decode_eights(codes, end, c->book, w);
    }
}

/* Decodes the weights of the outputs from `o` on; returns the part of the matrix that makes them. */
static struct eq_mve_matrix decode_part(const struct eq_codes *weights, int32_t chunk,
                                        const struct eq_mve_matrix *whole, int32_t o, int8_t *w)
{
    const int32_t left = whole->made - o;
    struct eq_mve_matrix part = *whole;
    part.made = left < chunk ? left : chunk;
    part.weights = w;
    part.out.bias += o;
    part.out.multiplier += o & part.out.mask;
    part.out.shift += o & part.out.mask;
    decode_tiles(weights, o / 4, (part.made + 3) / 4, w);
    return part;
}

void eq_coded_mve_conv(const struct eq_coded_mve_conv *layer, const int8_t *x, int8_t *y,
                       int8_t *scratch)
{
    int8_t *const rest = scratch + layer->chunk / 4 * eq_codes_row(&layer->weights);
    const struct eq_mve_matrix *const whole = &layer->conv.matrix;
    struct eq_mve_conv part = layer->conv;
    int32_t o;
    for (o = 0; o < whole->made; o += layer->chunk) {
        part.matrix = decode_part(&layer->weights, layer->chunk, whole, o, scratch);
        eq_mve_conv(&part, x, y + o, rest);
    }
}

void eq_coded_mve_pointwise(const struct eq_coded_mve_pointwise *layer, const int8_t *x,
                            int8_t *y, int8_t *scratch)
{
    const struct eq_mve_matrix *const whole = &layer->product.matrix;
    struct eq_mve_pointwise part = layer->product;
    int32_t o;
    for (o = 0; o < whole->made; o += layer->chunk) {
        part.matrix = decode_part(&layer->weights, layer->chunk, whole, o, scratch);
        eq_mve_pointwise(&part, x, y + o);
    }
}
#endif
