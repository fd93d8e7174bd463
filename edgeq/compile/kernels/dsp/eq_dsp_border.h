/* What windows that reach over the border read. */
#ifndef EQ_DSP_BORDER_H
#define EQ_DSP_BORDER_H

#include "eq_dsp.h"
#include "eq_window.h"

/* Copies `rows` rows, `step` rows of `x` apart, of `columns` pixels from (row, column) on; `zero`
   stands where they lie outside. */
void eq_dsp_border(const struct eq_window *g, int32_t zero, const int8_t *x, int32_t row,
                   int32_t column, int32_t rows, int32_t step, int32_t columns, int8_t *to);

#endif
