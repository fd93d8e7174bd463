#include "eq_mve_lines.h"

#if defined(__ARM_FEATURE_MVE)
#include "eq_mve_bytes.h"

int8_t *eq_mve_open_lines(struct eq_mve_lines *l, const struct eq_window *g, int8_t *scratch)
{
    const int32_t span = (g->kernel_w - 1) * g->dilation_w + 1;
    l->reach = (g->kernel_h - 1) * g->dilation_h + 1;
    l->pitch = ((g->out_w - 1) * g->stride_w + span) * g->in_c;
    l->row = (const int8_t **)(void *)scratch;
    l->buffer = scratch + l->reach * (int32_t)sizeof *l->row;
    l->copied = 0;
    return l->buffer + l->reach * l->pitch + 16;
}

/* Row `row` of the input with its padding. */
static void copy_line(const struct eq_window *g, int8_t zero, const int8_t *x, int32_t row,
                      int32_t pitch, int8_t *to)
{
    const int32_t pad = g->pad_w * g->in_c, rest = pitch - pad, width = g->in_w * g->in_c;
    const int32_t used = width < rest ? width : rest;
    if (row < 0 || row >= g->in_h) {
        fill_bytes(to, zero, pitch);
        return;
    }
    to = fill_bytes(to, zero, pad);
    to = copy_bytes(to, x + row * width, used);
    fill_bytes(to, zero, rest - used);
}

void eq_mve_aim_lines(struct eq_mve_lines *l, const struct eq_window *g, int8_t zero,
                      const int8_t *x, int32_t oy)
{
    const int32_t first = oy * g->stride_h;
    int32_t slot = first % l->reach, i;
    for (i = first; i < first + l->reach; i++) {
        int8_t *const line = l->buffer + slot * l->pitch;
        if (i >= l->copied) {
            copy_line(g, zero, x, i - g->pad_h, l->pitch, line);
            l->copied = i + 1;
        }
        l->row[i - first] = line;
        slot = slot + 1 < l->reach ? slot + 1 : 0;
    }
}
#endif
