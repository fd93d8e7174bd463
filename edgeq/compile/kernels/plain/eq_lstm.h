/* UNIDIRECTIONAL_SEQUENCE_LSTM: int8 activations and weights, a cell state of 16 bits. */
#ifndef EQ_LSTM_H
#define EQ_LSTM_H

#include "eq_base.h"

/* The products of the four gates of each cell, in the order forget, input, cell, output: weights
   are int8_t [cells][depth][4], or the words of eq_dense_quads.h with its chunk; biases [cells][4].
   A multiplier and a shift for each gate make Q3.12. */
struct eq_lstm_product {
    const void *weights;
    int32_t chunk;
    const int32_t *bias;
    int32_t multiplier[4];
    int32_t shift[4];
};

/* A factor as eq_requantize takes it. */
struct eq_lstm_factor {
    int32_t multiplier;
    int32_t shift;
};

/* Sequence b begins at vector b * batch_stride of x and y, its steps are step_stride apart.
   tanh(cell) reads the cell times tanh_multiplier / 2^tanh_shift; `logistic` has 256 samples. */
struct eq_lstm {
    int32_t batches;
    int32_t steps;
    int32_t batch_stride;
    int32_t step_stride;
    int32_t depth;
    int32_t units;
    struct eq_lstm_product input;
    struct eq_lstm_product recurrent;
    struct eq_lstm_factor keep;
    struct eq_lstm_factor add;
    struct eq_lstm_factor result;
    int32_t tanh_multiplier;
    int32_t tanh_shift;
    int32_t cell_min;
    int32_t cell_max;
    int32_t zero;
    const int32_t *logistic;
};

/* acc[4] += the products of x and the four gates of cell `unit`. */
typedef void eq_lstm_sum(const struct eq_lstm_product *p, int32_t depth, int32_t unit,
                         const int8_t *x, int32_t *acc);

/* What all kernels do but for the sums. */
void eq_lstm_run(const struct eq_lstm *layer, eq_lstm_sum *sum, const int8_t *x, int8_t *state,
                 int16_t *cell, int8_t *y);

/* x, state [batches][units] and cell [batches][units] in, y out; the state is kept for next time. */
void eq_lstm(const struct eq_lstm *layer, const int8_t *x, int8_t *state, int16_t *cell, int8_t *y);

/* On the DSP extension. */
void eq_lstm_quads(const struct eq_lstm *layer, const int8_t *x, int8_t *state, int16_t *cell,
                   int8_t *y);

#endif
