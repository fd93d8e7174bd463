/* DEPTHWISE_CONV_2D on int16 around nought, for cores with SMLAD: channel after channel, each
   gathered into a plane that has the padding around it. */
#ifndef EQ_DSP16_PLANE_H
#define EQ_DSP16_PLANE_H

#include "eq_base.h"

/* A line runs along the longer side of the image. All but the pitch, which is in bytes, counts
   int16. */
struct eq_dsp16_plane {
    int32_t batch, in_image, out_image;
    int32_t channels;
    int32_t in_lines, in_length, in_line_step, in_step;
    int32_t out_lines, out_length, out_line_step, out_step;
    int32_t pitch, first, elements;
};

/* Fills planes with the padding. */
void eq_dsp16_clear(const struct eq_dsp16_plane *g, int16_t *planes, int32_t count);

/* Puts the channel at x inside a plane; or that one and the next inside two planes. */
void eq_dsp16_gather(const struct eq_dsp16_plane *g, const int16_t *x, int16_t *plane);
void eq_dsp16_gather_pair(const struct eq_dsp16_plane *g, const int16_t *x, int16_t *planes);

#endif
