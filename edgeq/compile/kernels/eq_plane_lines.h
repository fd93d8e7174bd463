/* The lines of one channel of eq_plane.h, and what walks over the channels. */
#ifndef EQ_PLANE_LINES_H
#define EQ_PLANE_LINES_H

#include "eq_plane.h"

#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define EQ_PLANE_ASM 1
#endif

/* The order is known to the assembly. `end` is where the pairs of the first line end; the skips
   lead from there, and from the output of the last pair, to the next line. */
struct eq_lines {
    int32_t bias;
    const int16_t *end;
    int32_t multiplier;
    int32_t out_step;
    int32_t skip;
    int32_t pitch;
    int32_t out_skip;
    int32_t lines;
    int32_t odd;
    const int16_t *plane;
    int8_t *y;
    const int32_t *weights;
};

typedef void eq_line_kernel(const struct eq_lines *lines);

void eq_plane_walk(const struct eq_plane *layer, int32_t stride, eq_line_kernel *kernel,
                   const int8_t *x, int16_t *plane, int8_t *y);
void eq_plane_lines(const struct eq_lines *lines, int32_t stride);

#endif
