/* CONV_2D of two pixels at a time, for cores that multiply 32 bits by 32 and have no SIMD.

   A register holds the same tap of two pixels, x0 + 65536 * x1, and is multiplied by the weight
   that both share: one multiplication, two products. The sums of two taps fit into 16 bits,
   whatever the pixels are; then they are taken apart. */
#ifndef EQ_PAIRED_H
#define EQ_PAIRED_H

#include "eq_base.h"
#include "eq_scale.h"
#include "eq_window.h"

/* The weights of an output lie together, tap by tap; each run of taps that are neighbours in memory
   (a row of the kernel, or a single tap where it is dilated) is filled up to an even length with
   weights of nought, and the whole to a multiple of four. The bias holds the input's zero point. Of
   the outputs of a pixel the first `made` are made. */
struct eq_paired {
    struct eq_window window;
    int32_t depth; /* weights of one output */
    int32_t made;
    int8_t in_zero;
    const int8_t *weights;
    struct eq_scaling scaling; /* without a bias where `out` holds */
    struct eq_output out;
};

/* `scratch` takes 8 * depth bytes, and 4 * kernel_w * in_c more where windows reach over the border
   or are dilated. */
void eq_paired(const struct eq_paired *layer, int8_t *scratch, const int8_t *x, int8_t *y);

/* The same for weights stored as unsigned bytes with 128 added; `scratch` takes 12 * depth
   bytes, and as many more. For cores that load a signed byte in two instructions. */
void eq_paired_biased(const struct eq_paired *layer, int8_t *scratch, const int8_t *x, int8_t *y);

#endif
