/* Operators with weights of few distinct values, for cores that have no SIMD. */
#ifndef EQ_CODED_SMALL_H
#define EQ_CODED_SMALL_H

#include "eq_codes.h"
#include "eq_paired.h"
#include "eq_paired_depthwise.h"
#include "eq_small_dense.h"

/* A row of codes holds the weights of an output, which is made for `pixels` at a time, a multiple
   of four: all their taps are read before anything of them is written. What fills up runs of taps
   may be any weight. */
struct eq_coded_paired {
    struct eq_codes weights;
    int32_t pixels;
    struct eq_paired conv;
};

/* A row of codes holds the weights of four outputs, of which `chunk` are made at a time. */
struct eq_coded_small_dense {
    struct eq_codes weights;
    int32_t chunk;
    struct eq_small_dense dense;
};

/* One row of inputs, multiplied by codes as they are read. A row of them holds the weights of four
   outputs, input by input; `dense` has no weights. */
struct eq_coded_small_row {
    struct eq_codes weights;
    struct eq_small_dense dense;
};

/* A row of codes holds the weights of a channel, of which `chunk` are made at a time. */
struct eq_coded_paired_depthwise {
    struct eq_codes weights;
    int32_t chunk;
    struct eq_paired_depthwise depthwise;
};

/* `scratch` holds the weights of an output, a multiple of eight, of which each takes a word on
   cores that eq_paired_biased is for and a byte on others; then 2 * depth bytes of each pixel, and
   what eq_paired asks for beside them. */
void eq_coded_paired(const struct eq_coded_paired *layer, int8_t *scratch, const int8_t *x,
                     int8_t *y);

void eq_coded_small_row(const struct eq_coded_small_row *layer, const int8_t *x, int8_t *y);

/* `scratch` holds the weights of a chunk, in whole words; then what the kernel of int8 asks for. */
void eq_coded_small_dense(const struct eq_coded_small_dense *layer, int8_t *scratch,
                          const int8_t *x, int8_t *y);
void eq_coded_paired_depthwise(const struct eq_coded_paired_depthwise *layer, int8_t *scratch,
                               const int8_t *x, int8_t *y);

#endif
