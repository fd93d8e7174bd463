#include "eq_coded_mve.h"

#if defined(__ARM_FEATURE_MVE)

/* Sums of four outputs. */
struct sums {
    int32_t a, b, c, d;
};

/* Adds the products of sixteen inputs and what codes stand for. */
typedef struct sums add_block(struct sums s, int8x16_t x, const uint8_t *codes,
                              const int8_t *book);

EQ_MVE_INLINE int8x16_t look_up(const int8_t *book, uint8x16_t codes, uint8_t mask)
{
    return vldrbq_gather_offset_s8(book, vandq_u8(codes, vdupq_n_u8(mask)));
}

EQ_MVE_INLINE struct sums add_twos(struct sums s, int8x16_t x, const uint8_t *codes,
                                   const int8_t *book)
{
    const uint8x16_t v = vldrbq_u8(codes), u = vldrbq_u8(codes + 16);
    s.a = vmladavaq_s8(s.a, x, look_up(book, v, 15));
    s.b = vmladavaq_s8(s.b, x, vldrbq_gather_offset_s8(book, vshrq_n_u8(v, 4)));
    s.c = vmladavaq_s8(s.c, x, look_up(book, u, 15));
    s.d = vmladavaq_s8(s.d, x, vldrbq_gather_offset_s8(book, vshrq_n_u8(u, 4)));
    return s;
}

/* The book has two weights for each four bits: that of a single code is every other one. */
EQ_MVE_INLINE struct sums add_fours(struct sums s, int8x16_t x, const uint8_t *codes,
                                    const int8_t *book)
{
    const uint8x16_t v = vldrbq_u8(codes);
    s.a = vmladavaq_s8(s.a, x, look_up(book, vshlq_n_u8(v, 1), 6));
    s.b = vmladavaq_s8(s.b, x, look_up(book, vshrq_n_u8(v, 1), 6));
    s.c = vmladavaq_s8(s.c, x, look_up(book, vshrq_n_u8(v, 3), 6));
    s.d = vmladavaq_s8(s.d, x, look_up(book, vshrq_n_u8(v, 5), 6));
    return s;
}

/* It has four for four codes of a bit: that of one is every fourth. The lower bits' outputs. */
EQ_MVE_INLINE struct sums add_lower(struct sums s, int8x16_t x, const uint8_t *codes,
                                    const int8_t *book)
{
    const uint8x16_t v = vldrbq_u8(codes);
    s.a = vmladavaq_s8(s.a, x, look_up(book, vshlq_n_u8(v, 2), 4));
    s.b = vmladavaq_s8(s.b, x, look_up(book, vshlq_n_u8(v, 1), 4));
    s.c = vmladavaq_s8(s.c, x, look_up(book, v, 4));
    s.d = vmladavaq_s8(s.d, x, look_up(book, vshrq_n_u8(v, 1), 4));
    return s;
}

EQ_MVE_INLINE struct sums add_upper(struct sums s, int8x16_t x, const uint8_t *codes,
                                    const int8_t *book)
{
    const uint8x16_t v = vldrbq_u8(codes);
    s.a = vmladavaq_s8(s.a, x, look_up(book, vshrq_n_u8(v, 2), 4));
    s.b = vmladavaq_s8(s.b, x, look_up(book, vshrq_n_u8(v, 3), 4));
    s.c = vmladavaq_s8(s.c, x, look_up(book, vshrq_n_u8(v, 4), 4));
    s.d = vmladavaq_s8(s.d, x, look_up(book, vshrq_n_u8(v, 5), 4));
    return s;
}

/* Makes the outputs from `o` on, four where there are as many, of a row of codes that has so many
   `bytes` for each sixteen inputs. */
EQ_MVE_INLINE void make_four(const struct eq_coded_mve_row *layer, const int8_t *x,
                             const uint8_t *codes, int32_t bytes, int32_t o, int8_t *y,
                             add_block *add)
{
    const struct eq_mve_output q = layer->matrix.out;
    const int8_t *const book = layer->weights.book;
    const int32_t *const bias = q.bias + o;
    struct sums s = {bias[0], bias[1], bias[2], bias[3]};
    int32x4_t v = vuninitializedq_s32();
    int32_t left;
    for (left = layer->matrix.depth; left >= 16; left -= 16) {
        s = add(s, vldrbq_s8(x), codes, book);
        x += 16;
        codes += bytes;
    }
    if (left > 0) {
        s = add(s, vldrbq_z_s8(x, vctp8q((uint32_t)left)), codes, book);
    }
    v = vsetq_lane_s32(s.b, vsetq_lane_s32(s.a, v, 0), 1);
    v = vsetq_lane_s32(s.d, vsetq_lane_s32(s.c, v, 2), 3);
    v = eq_mve_finish(&q, v, vldrwq_s32(q.multiplier + (o & q.mask)),
                      vldrbq_s32(q.shift + (o & q.mask)));
    vstrbq_p_s32(y + o, v, vctp32q((uint32_t)(layer->matrix.outputs - o)));
}

void eq_coded_mve_row(const struct eq_coded_mve_row *layer, const int8_t *x, int8_t *y)
{
    const struct eq_codes *const c = &layer->weights;
    const int32_t outputs = layer->matrix.outputs;
    const uint8_t *codes = c->codes;
    int32_t o;
    for (o = 0; o < outputs; o += 4, codes += c->bytes) {
        if (c->each == 2) {
            make_four(layer, x, codes, 32, o, y, add_twos);
        } else if (c->each == 4) {
            make_four(layer, x, codes, 16, o, y, add_fours);
        } else {
            make_four(layer, x, codes, 16, o, y, add_lower);
            o += 4;
            if (o < outputs) {
                make_four(layer, x, codes, 16, o, y, add_upper);
            }
        }
    }
}
#endif
