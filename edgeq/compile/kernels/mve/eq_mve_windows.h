/* The windows of a convolution, some of them at a time, as rows for a matrix. */
#ifndef EQ_MVE_WINDOWS_H
#define EQ_MVE_WINDOWS_H

#include "eq_mve_lines.h"
#include "eq_window.h"

/* What is copied of a window: `height` x `runs` runs of `run` bytes, `rise` lines and `tap` bytes
   apart. */
struct eq_mve_runs {
    int32_t height, runs, run;
    int32_t rise, tap;
};

/* Outside the input every tap reads `zero`. Windows of at most `columns` pixels are gathered at a
   time. Those of a kernel one tap high lie in their line as they are: `columns` is nought, and a
   row of them is found at once. */
struct eq_mve_windows {
    const struct eq_window *window;
    const int8_t *x;
    int8_t *gathered;
    struct eq_mve_lines lines;
    struct eq_mve_runs runs;
    int32_t columns, stride;
    int32_t image, oy, ox;
    int8_t zero;
    /* The windows that were found: each starts `step` bytes behind the one before it. */
    const int8_t *first;
    int32_t step;
};

/* `scratch` holds the rows of a window as eq_mve_lines.h has them, the windows, and 16 bytes. */
void eq_mve_open_windows(struct eq_mve_windows *w, const struct eq_window *g, int32_t columns,
                         const int8_t *x, int8_t *scratch);

/* Finds the next windows, in the order of the outputs; returns their number, nought at the end. */
int32_t eq_mve_next_windows(struct eq_mve_windows *w);

#endif
