/* FULLY_CONNECTED of one row with weights of two values, on the DSP extension. */
#ifndef EQ_CODED_BITS_H
#define EQ_CODED_BITS_H

#include "eq_base.h"

/* Each four taps have a table of the 16 sums of some of them, which outputs look up: the sum of an
   output is `clear` times that of all taps, and `step` times that of the taps whose bits are set.
   Taps come in chunks, a multiple of eight of them, in them outputs in eights, in them taps in
   fours, in them a word: four bits for each output, the first in the low ones. Any bits fill up the
   taps of the last chunk and the outputs of the last eight. */
struct eq_coded_bits {
    const int32_t *codes;
    int16_t clear;
    int16_t step;
    int32_t depth;
    int32_t chunk;
    int32_t outputs;
    struct eq_output out;
};

/* `scratch` holds the tables of a chunk, eight bytes for each tap; then, where chunks are many, a
   word for each output of all eights. */
void eq_coded_bits(const struct eq_coded_bits *layer, const int8_t *x, int8_t *scratch, int8_t *y);

#endif
