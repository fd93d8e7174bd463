#include "eq_mve_codes.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

static void decode_twos(const uint8_t *codes, int32_t bytes, const int8_t *book, int8_t *w)
{
    for (; bytes > 0; bytes -= 16, codes += 16, w += 32) {
        const uint8x16_t v = vldrbq_u8(codes);
        int8x16x2_t two;
        two.val[0] = vldrbq_gather_offset_s8(book, vandq_u8(v, vdupq_n_u8(15)));
        two.val[1] = vldrbq_gather_offset_s8(book, vshrq_n_u8(v, 4));
        vst2q_s8(w, two);
    }
}

/* The book has two weights for each four bits: that of a single code is every other one. */
static void decode_fours(const uint8_t *codes, int32_t bytes, const int8_t *book, int8_t *w)
{
    const uint8x16_t mask = vdupq_n_u8(6);
    for (; bytes > 0; bytes -= 16, codes += 16, w += 64) {
        const uint8x16_t v = vldrbq_u8(codes);
        int8x16x4_t four;
        four.val[0] = vldrbq_gather_offset_s8(book, vandq_u8(vshlq_n_u8(v, 1), mask));
        four.val[1] = vldrbq_gather_offset_s8(book, vandq_u8(vshrq_n_u8(v, 1), mask));
        four.val[2] = vldrbq_gather_offset_s8(book, vandq_u8(vshrq_n_u8(v, 3), mask));
        four.val[3] = vldrbq_gather_offset_s8(book, vandq_u8(vshrq_n_u8(v, 5), mask));
        vst4q_s8(w, four);
    }
}

/* Sixteen codes of a bit are a predicate. */
static void decode_eights(const uint8_t *codes, int32_t bytes, const int8_t *book, int8_t *w)
{
    const int8x16_t clear = vdupq_n_s8(book[0]), set = vdupq_n_s8(book[4]);
    for (; bytes > 0; bytes -= 2, codes += 2, w += 16) {
        const mve_pred16_t p = (mve_pred16_t)(codes[0] | codes[1] << 8);
        vstrbq_s8(w, vpselq_s8(set, clear, p));
    }
}

void eq_mve_decode(const struct eq_codes *c, int32_t first, int32_t rows, int8_t *w)
{
    const uint8_t *const codes = c->codes + first * c->bytes;
    const int32_t bytes = rows * c->bytes;
    if (c->each == 2) {
        decode_twos(codes, bytes, c->book, w);
    } else if (c->each == 4) {
        decode_fours(codes, bytes, c->book, w);
    } else {
        decode_eights(codes, bytes, c->book, w);
    }
}
#endif
