/* CONV_2D on int16 around nought, for cores with SMLAD: the windows of four pixels at a time. */
#ifndef EQ_DSP16_WINDOWS_H
#define EQ_DSP16_WINDOWS_H

#include "eq_dsp.h"
#include "eq_window.h"

/* y[pixels][outputs] of the at most four pixels at x[steps][4], words of two inputs. */
typedef void eq_dsp16_tile(const void *matrix, const int32_t *x, int32_t pixels, int16_t *y);

/* Tiles of four output pixels in the order of memory: all that a tile reads is read before any of
   it is written. A window is runs of inputs that lie side by side, in pairs; nought fills up the
   last of an odd number. `scratch` holds a tile, and behind it what windows that reach over the
   border read: kernel_h rows of 3 * stride_w + (kernel_w - 1) * dilation_w + 1 pixels. */
void eq_dsp16_walk(const struct eq_window *window, const int16_t *x, int8_t *scratch, int16_t *y,
                   eq_dsp16_tile *tile, const void *matrix);

#endif
