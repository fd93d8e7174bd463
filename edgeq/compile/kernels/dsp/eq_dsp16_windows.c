#include "eq_dsp16_windows.h"
#include "eq_dsp_border.h"

/* What a pixel reads: `count` runs, `step` bytes apart, of `words` pairs of inputs and an `odd`
   one. */
struct runs {
    int32_t count, words, odd, step;
};

/* A layer in the making: its window in bytes, the runs of a row of it, and the memory of a tile.
   Without dilation along the width a row is a single run, and a window is its rows. */
struct work {
    struct eq_window bytes;
    struct runs runs;
    int32_t in_row, next, reach;
    int32_t *tile;
    int8_t *border;
};

static int32_t odd_input(const int8_t *x)
{
    return *(const int16_t *)(const void *)x;
}

#ifdef EQ_DSP_ASM

/* Two words of each of four pixels, then the next two, up to the end of the first one. */
#define GATHER_TWO                 \
    "1:\n"                         \
    "ldr r5, [%0, %4]\n"           \
    "ldr r6, [%0, %4, lsl #1]\n"   \
    "ldr r4, [%0], #4\n"           \
    "ldr r8, [%1], #4\n"           \
    "ldr r10, [%0, %4]\n"          \
    "ldr r11, [%0, %4, lsl #1]\n"  \
    "ldr r9, [%0], #4\n"           \
    "ldr r12, [%1], #4\n"          \
    "stmia %2!, {r4-r6, r8-r12}\n" \
    "cmp %0, %3\n"                 \
    "bne 1b\n"

/* Four pixels, `next` bytes apart. */
static void gather_4(const struct runs *runs, const int8_t *x, int32_t next, int32_t *to)
{
    const int32_t paired = 4 * (runs->words & ~1), single = runs->words & 1, odd = runs->odd;
    int32_t left;
    for (left = runs->count; left > 0; left--) {
        const int8_t *first = x, *last = x + 3 * next;
        if (paired > 0) {
            __asm__ volatile(GATHER_TWO
                             : "+&r"(first), "+&r"(last), "+&r"(to)
                             : "r"(x + paired), "r"(next)
                             : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
        }
        if (single) {
            to[0] = eq_dsp_load(first);
            to[1] = eq_dsp_load(first + next);
            to[2] = eq_dsp_load(first + 2 * next);
            to[3] = eq_dsp_load(last);
            first += 4;
            last += 4;
            to += 4;
        }
        if (odd) {
            to[0] = odd_input(first);
            to[1] = odd_input(first + next);
            to[2] = odd_input(first + 2 * next);
            to[3] = odd_input(last);
            to += 4;
        }
        x += runs->step;
    }
}

#endif

/* One pixel. */
static void gather_1(const struct runs *runs, const int8_t *x, int32_t *to)
{
    int32_t left, i;
    for (left = runs->count; left > 0; left--) {
        for (i = 0; i < runs->words; i++, to += 4) {
            *to = eq_dsp_load(x + 4 * i);
        }
        if (runs->odd) {
            *to = odd_input(x + 4 * i);
            to += 4;
        }
        x += runs->step;
    }
}

static void gather_pixels(const struct runs *runs, const int8_t *x, int32_t next, int32_t pixels,
                          int32_t *to)
{
    int32_t p;
#ifdef EQ_DSP_ASM
    if (pixels == 4) {
        gather_4(runs, x, next, to);
        return;
    }
#endif
    for (p = 0; p < pixels; p++) {
        gather_1(runs, x + p * next, to + p);
    }
}

/* Gathers `pixels` windows whose first is at `x`, and whose rows are `row` bytes apart. */
static void gather(const struct work *w, const int8_t *x, int32_t row, int32_t pixels, int32_t *to)
{
    const int32_t height = w->bytes.kernel_h;
    struct runs runs = w->runs;
    int32_t ky;
    if (runs.count == 1) {
        runs.count = height;
        runs.step = row;
        gather_pixels(&runs, x, w->next, pixels, to);
        return;
    }
    for (ky = 0; ky < height; ky++) {
        gather_pixels(&runs, x + ky * row, w->next, pixels, to);
        to += 4 * runs.count * (runs.words + runs.odd);
    }
}

/* Pixels of a layer whose windows are single inputs, side by side. */
static void walk_pixels(const struct work *w, const int8_t *x, int16_t *y, eq_dsp16_tile *tile,
                        const void *matrix)
{
    const struct eq_window *g = &w->bytes;
    int32_t left = g->batch * g->out_h * g->out_w, pixels;
    for (; left > 0; left -= pixels) {
        pixels = left < 4 ? left : 4;
        gather(w, x, 0, pixels, w->tile);
        tile(matrix, w->tile, pixels, y);
        x += pixels * w->next;
        y += pixels * g->out_c;
    }
}

/* One image. `filled` pixels of a tile are there already; returns how many are left over. */
static int32_t walk_image(const struct work *w, const int8_t *x, int32_t filled, int16_t **y,
                          eq_dsp16_tile *tile, const void *matrix)
{
    const struct eq_window *g = &w->bytes;
    int32_t oy, ox, pixels;
    for (oy = 0; oy < g->out_h; oy++) {
        const int32_t row = oy * g->stride_h - g->pad_h;
        const int whole = row >= 0 && row + (g->kernel_h - 1) * g->dilation_h < g->in_h;
        for (ox = 0; ox < g->out_w; ox += pixels) {
            const int32_t column = ox * g->stride_w - g->pad_w;
            int32_t columns;
            pixels = g->out_w - ox < 4 - filled ? g->out_w - ox : 4 - filled;
            columns = (pixels - 1) * g->stride_w + w->reach;
            if (whole && column >= 0 && column + columns <= g->in_w) {
                gather(w, x + row * w->in_row + column * g->in_c, g->dilation_h * w->in_row, pixels,
                       w->tile + filled);
            } else {
                eq_dsp_border(g, 0, x, row, column, g->kernel_h, g->dilation_h, columns, w->border);
                gather(w, w->border, columns * g->in_c, pixels, w->tile + filled);
            }
            filled += pixels;
            if (filled == 4) {
                tile(matrix, w->tile, 4, *y);
                *y += 4 * g->out_c;
                filled = 0;
            }
        }
    }
    return filled;
}

static struct work make_work(const struct eq_window *window, int8_t *scratch)
{
    const int joined = window->dilation_w == 1;
    const int32_t run = joined ? window->kernel_w * window->in_c : window->in_c;
    struct work w;
    w.bytes = *window;
    w.bytes.in_c = (int16_t)(2 * window->in_c);
    w.runs.count = joined ? 1 : window->kernel_w;
    w.runs.words = run / 2;
    w.runs.odd = run & 1;
    w.runs.step = window->dilation_w * w.bytes.in_c;
    w.in_row = window->in_w * w.bytes.in_c;
    w.next = window->stride_w * w.bytes.in_c;
    w.reach = (window->kernel_w - 1) * window->dilation_w + 1;
    w.tile = (int32_t *)(void *)scratch;
    w.border = scratch + 16 * window->kernel_h * w.runs.count * (w.runs.words + w.runs.odd);
    return w;
}

/* Whether each pixel is made of the one at its place. */
static int is_pointwise(const struct eq_window *g)
{
    return g->kernel_h * g->kernel_w * g->stride_h * g->stride_w == 1 && g->pad_h + g->pad_w == 0
           && g->out_h == g->in_h && g->out_w == g->in_w;
}

void eq_dsp16_walk(const struct eq_window *window, const int16_t *x, int8_t *scratch, int16_t *y,
                   eq_dsp16_tile *tile, const void *matrix)
{
    const struct work w = make_work(window, scratch);
    const int8_t *image = (const int8_t *)(const void *)x;
    int32_t filled = 0, n;
    if (is_pointwise(window)) {
        walk_pixels(&w, image, y, tile, matrix);
        return;
    }
    for (n = 0; n < window->batch; n++) {
        filled = walk_image(&w, image, filled, &y, tile, matrix);
        image += window->in_h * w.in_row;
    }
    tile(matrix, w.tile, filled, y);
}
