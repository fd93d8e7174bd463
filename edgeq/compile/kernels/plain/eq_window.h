/* Sliding windows over [batch][height][width][channels] tensors: convolutions and pooling. */
#ifndef EQ_WINDOW_H
#define EQ_WINDOW_H

#include <stdint.h>

#include "eq_names.h"

struct eq_window {
    int16_t batch;
    int16_t in_h, in_w, in_c;
    int16_t out_h, out_w, out_c;
    int16_t kernel_h, kernel_w;
    int16_t stride_h, stride_w;
    int16_t dilation_h, dilation_w;
    int16_t pad_h, pad_w;
};

/* The taps of a window that lie inside the tensor along one axis: [first, end). */
struct eq_span {
    int32_t first;
    int32_t end;
};

static inline struct eq_span eq_taps_inside(int32_t start, int32_t dilation, int32_t kernel,
                                            int32_t size)
{
    struct eq_span taps = {0, kernel};
    while (taps.first < kernel && start + taps.first * dilation < 0) {
        taps.first++;
    }
    while (taps.end > taps.first && start + (taps.end - 1) * dilation >= size) {
        taps.end--;
    }
    return taps;
}

/* The outputs along one axis whose windows lie wholly inside the tensor: [first, end). */
static inline struct eq_span eq_outputs_inside(int32_t outputs, int32_t stride, int32_t pad,
                                               int32_t reach, int32_t size)
{
    struct eq_span inside = {0, outputs};
    while (inside.first < outputs && inside.first * stride < pad) {
        inside.first++;
    }
    while (inside.end > inside.first && (inside.end - 1) * stride - pad + reach > size) {
        inside.end--;
    }
    return inside;
}

#endif
