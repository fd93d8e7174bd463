/* Operators with weights of few distinct values, for cores that have no SIMD. */
#ifndef EQ_CODED_SMALL_H
#define EQ_CODED_SMALL_H

#include "eq_codes.h"
#include "eq_paired.h"
#include "eq_paired_depthwise.h"
#include "eq_small_dense.h"

/* Outputs are made `chunk` at a time: a row of codes holds the weights of one. */
struct eq_coded_paired {
    struct eq_codes weights;
    int32_t chunk;
    void (*kernel)(const struct eq_paired *layer, int8_t *scratch, const int8_t *x, int8_t *y);
    struct eq_paired conv;
};

/* A row of codes holds the weights of four outputs, of which `chunk` are made at a time. */
struct eq_coded_small_dense {
    struct eq_codes weights;
    int32_t chunk;
    struct eq_small_dense dense;
};

/* A row of codes holds the weights of a channel. */
struct eq_coded_paired_depthwise {
    struct eq_codes weights;
    struct eq_paired_depthwise depthwise;
};

/* `scratch` holds the weights of a chunk, or of all channels, in whole words; then what the kernel
   asks for. */
void eq_coded_paired(const struct eq_coded_paired *layer, int8_t *scratch, const int8_t *x,
                     int8_t *y);
void eq_coded_small_dense(const struct eq_coded_small_dense *layer, int8_t *scratch,
                          const int8_t *x, int8_t *y);
void eq_coded_paired_depthwise(const struct eq_coded_paired_depthwise *layer, int8_t *scratch,
                               const int8_t *x, int8_t *y);

#endif
