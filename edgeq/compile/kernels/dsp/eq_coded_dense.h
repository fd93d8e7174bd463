/* FULLY_CONNECTED of one row that multiplies codes of two or four bits as it reads them. */
#ifndef EQ_CODED_DENSE_H
#define EQ_CODED_DENSE_H

#include "eq_base.h"
#include "eq_codes.h"

/* Outputs follow in eights, the last of them filled up; in them taps in fours, in them taps (0, 2),
   then (1, 3), in them a byte for each output, or with two bits for each two outputs (a, b). Its low
   four bits are codes of the first tap, its high ones of the second; a lies below b. Any
   codes fill up. With two bits half a word is 256 * a + b, as eq_dense_quads.h tells of, whose
   `chunk` this has. */
struct eq_coded_dense {
    struct eq_codes weights;
    int16_t depth;
    int16_t chunk;
    int32_t outputs;
    struct eq_output out;
};

/* `scratch` holds 256 words: what each byte stands for. */
void eq_coded_dense(const struct eq_coded_dense *layer, const int8_t *x, int8_t *scratch,
                    int8_t *y);

#endif
