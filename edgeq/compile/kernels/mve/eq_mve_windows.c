#include "eq_mve_windows.h"

#if defined(__ARM_FEATURE_MVE)
#include <arm_mve.h>

/* Copies whole vectors: up to 15 bytes too many, which what comes next overwrites. */
static inline void copy_roughly(int8_t *to, const int8_t *from, int32_t count)
{
    do {
        vstrbq_s8(to, vldrbq_s8(from));
        from += 16;
        to += 16;
        count -= 16;
    } while (count > 0);
}

/* The taps of the window `at` bytes along the lines, in the order of the weights. */
static inline int8_t *gather(const struct eq_mve_runs *r, const int8_t *const *row, int32_t at,
                             int8_t *to)
{
    int32_t i, j;
    for (i = 0; i < r->height; i++) {
        const int8_t *from = row[i * r->rise] + at;
        for (j = 0; j < r->runs; j++) {
            copy_roughly(to, from, r->run);
            from += r->tap;
            to += r->run;
        }
    }
    return to;
}

/* The same for rows of at most 16 bytes, without dilation. */
static inline int8_t *gather_short(const struct eq_mve_runs *r, const int8_t *const *row,
                                   int32_t at, int8_t *to)
{
    int32_t i;
    for (i = 0; i < r->height; i++) {
        vstrbq_s8(to, vldrbq_s8(row[i] + at));
        to += r->run;
    }
    return to;
}

/* The windows from `at` bytes along the lines to `end`. */
static void gather_windows(const struct eq_mve_windows *w, int32_t at, int32_t end)
{
    const struct eq_mve_runs r = w->runs; /* stores of bytes cannot change it */
    const int8_t *const *const row = w->lines.row;
    const int32_t stride = w->stride;
    const int is_short = r.run <= 16 && r.runs == 1 && r.rise == 1;
    int8_t *to = w->gathered;
    for (; at < end; at += stride) {
        to = is_short ? gather_short(&r, row, at, to) : gather(&r, row, at, to);
    }
}

void eq_mve_open_windows(struct eq_mve_windows *w, const struct eq_window *g, int32_t columns,
                         const int8_t *x, int8_t *scratch)
{
    const int32_t width = g->kernel_w, depth = g->in_c;
    const struct eq_mve_runs joined = {g->kernel_h, 1, width * depth, g->dilation_h, 0};
    const struct eq_mve_runs apart = {g->kernel_h, width, depth, g->dilation_h,
                                      g->dilation_w * depth};
    w->window = g;
    w->x = x;
    w->gathered = eq_mve_open_lines(&w->lines, g, scratch);
    w->runs = g->dilation_w == 1 ? joined : apart;
    w->columns = g->kernel_h == 1 && g->dilation_w == 1 ? 0 : columns;
    w->stride = g->stride_w * depth;
    w->image = 0;
    w->oy = -1;
    w->ox = g->out_w;
}

/* Goes to the next row of outputs, if there is one. */
static int next_row(struct eq_mve_windows *w)
{
    const struct eq_window *g = w->window;
    w->ox = 0;
    if (++w->oy == g->out_h) {
        w->oy = 0;
        w->lines.copied = 0;
        w->x += g->in_h * g->in_w * g->in_c;
        if (++w->image == g->batch) {
            return 0;
        }
    }
    eq_mve_aim_lines(&w->lines, g, w->zero, w->x, w->oy);
    return 1;
}

int32_t eq_mve_next_windows(struct eq_mve_windows *w)
{
    const int32_t stride = w->stride;
    int32_t count;
    if (w->ox == w->window->out_w && !next_row(w)) {
        return 0;
    }
    count = w->window->out_w - w->ox;
    if (w->columns == 0) {
        w->first = w->lines.row[0];
        w->step = stride;
    } else {
        count = count < w->columns ? count : w->columns;
        gather_windows(w, w->ox * stride, (w->ox + count) * stride);
        w->first = w->gathered;
        w->step = w->runs.height * w->runs.runs * w->runs.run;
    }
    w->ox += count;
    return count;
}
#endif
