/* Codes of weights that kernels read in words of two int16 a + 256 b. */
#ifndef EQ_CODED_WORDS_H
#define EQ_CODED_WORDS_H

#include "eq_codes.h"
#include "eq_dsp.h"

/* Rows of bytes (a, b) become words. What four bits stand for are such halves already, unless it is
   a single byte. */
static inline void eq_decode_words(const struct eq_codes *c, int32_t first, int32_t rows,
                                   int32_t *words)
{
    eq_decode(c, first, rows, (int8_t *)(void *)words);
    if (c->each == 2) {
        int32_t *const end = words + rows * eq_codes_row(c) / 4;
        for (; words != end; words++) {
            const int32_t four = eq_dsp_load((const int8_t *)words);
            *words = eq_dsp_ssub16(four, (int32_t)(((uint32_t)four & 0x00800080u) << 1));
        }
    }
}

#endif
