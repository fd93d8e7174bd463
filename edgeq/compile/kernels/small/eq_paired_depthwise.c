#include "eq_paired_depthwise.h"

/* One channel of the input passes through three words a column: the taps of the kernel's rows, each
   for both rows of outputs, x0 + 2^16 * x1. */
#define TAPS 3

struct channel {
    int32_t w[9];
    int32_t bias[2]; /* added to the sums of the upper and of the lower row of outputs */
    int32_t in_threes;
    int32_t index;
    struct eq_scale scale;
};

/* A row of one channel; a row outside the input reads the zero point again and again. */
struct row {
    const int8_t *x;
    int32_t step;
};

struct plane {
    const struct eq_paired_depthwise *layer;
    uint32_t *columns; /* the first one inside the input */
    const int8_t *x;
};

static struct row row_at(const struct plane *p, int32_t i)
{
    const struct eq_window *g = &p->layer->window;
    const int inside = i >= 0 && i < g->in_h;
    const struct row r = {inside ? p->x + i * g->in_w * g->in_c : &p->layer->in_zero,
                          inside ? g->in_c : 0};
    return r;
}

static uint32_t pair_of(int32_t upper, int32_t lower)
{
    return (uint32_t)upper + ((uint32_t)lower << 16);
}

/* Puts rows i and i + 1 where the window of stride 1 that starts at row i looks for them, or row i
   where that of stride 2 does. */
static void begin(const struct plane *p, int32_t i)
{
    const struct eq_window *g = &p->layer->window;
    const int32_t first = g->stride_h == 1 ? i : i - 1;
    struct row a = row_at(p, first), b = row_at(p, first + 1);
    uint32_t *out = p->columns + 2;
    int32_t j;
    for (j = 0; j < g->in_w; j++) {
        *out = pair_of(*a.x, *b.x);
        a.x += a.step;
        b.x += b.step;
        out += TAPS;
    }
}

/* The window starts at row i; rows i and i + 1 are there already. */
static void slide_by_one(const struct plane *p, int32_t i)
{
    struct row e = row_at(p, i + 2), f = row_at(p, i + 3);
    uint32_t *out = p->columns;
    uint32_t *const end = out + p->layer->window.in_w * TAPS;
    while (out != end) {
        const uint32_t kept = out[2];
        const int32_t x2 = *e.x, x3 = *f.x;
        out[0] = kept;
        out[1] = pair_of((int32_t)(kept + 0x8000u) >> 16, x2);
        out[2] = pair_of(x2, x3);
        e.x += e.step;
        f.x += f.step;
        out += TAPS;
    }
}

/* The window starts at row i; row i is there already. */
static void slide_by_two(const struct plane *p, int32_t i)
{
    struct row d = row_at(p, i + 1), e = row_at(p, i + 2), f = row_at(p, i + 3),
               g = row_at(p, i + 4);
    uint32_t *out = p->columns;
    uint32_t *const end = out + p->layer->window.in_w * TAPS;
    while (out != end) {
        const int32_t x0 = (int32_t)(out[2] + 0x8000u) >> 16, x2 = *e.x;
        out[0] = pair_of(x0, x2);
        out[1] = pair_of(*d.x, *f.x);
        out[2] = pair_of(x2, *g.x);
        d.x += d.step;
        e.x += e.step;
        f.x += f.step;
        g.x += g.step;
        out += TAPS;
    }
}

/* Both sums of `count` columns of outputs. Chunks of three taps, or of two where the weights are
   large, fit into 16 bits; they are taken apart as in eq_paired_biased.c. */
#if defined(__thumb__) && !defined(__thumb2__) && defined(__GNUC__)
#define SPLIT "add r3, r8\n add r9, r3\n asrs r3, r3, #16\n add r10, r3\n"
#define TWO(at, next)                                                                             \
    "ldmia r0!, {r3, r4}\n ldr r6, [r2, #" #at "]\n muls r3, r6, r3\n"                            \
    "ldr r6, [r2, #" #next "]\n muls r4, r6, r4\n adds r3, r3, r4\n" SPLIT
#define THREE(at, next, last)                                                                     \
    "ldmia r0!, {r3, r4, r5}\n ldr r6, [r2, #" #at "]\n muls r3, r6, r3\n"                        \
    "ldr r6, [r2, #" #next "]\n muls r4, r6, r4\n adds r3, r3, r4\n"                              \
    "ldr r6, [r2, #" #last "]\n muls r5, r6, r5\n adds r3, r3, r5\n" SPLIT
#define START                                                                                     \
    ".syntax unified\n mov r8, r3\n mov r11, r4\n mov r12, r5\n"                                 \
    "1:\n movs r3, #0\n mov r9, r3\n mov r10, r3\n"
#define END                                                                                       \
    "add r0, r11\n mov r3, r9\n mov r4, r10\n lsls r5, r4, #16\n subs r3, r3, r5\n"               \
    "ldr r5, [r2, #36]\n adds r3, r3, r5\n ldr r5, [r2, #40]\n adds r4, r4, r5\n"                 \
    "stmia r1!, {r3, r4}\n cmp r1, r12\n bne 1b\n"

static void sum_columns(const uint32_t *x, int32_t step, const struct channel *c, int32_t *acc,
                        int32_t count)
{
    register uintptr_t columns __asm__("r0") = (uintptr_t)x;
    register uintptr_t sums __asm__("r1") = (uintptr_t)acc;
    register uintptr_t channel __asm__("r2") = (uintptr_t)c;
    register int32_t half __asm__("r3") = 0x8000;
    register int32_t back __asm__("r4") = 4 * (step - 3 * TAPS);
    register uintptr_t end __asm__("r5") = (uintptr_t)(acc + 2 * count);
    if (c->in_threes) {
        __asm__ volatile(START THREE(0, 4, 8) THREE(12, 16, 20) THREE(24, 28, 32) END
                         : "+l"(columns), "+l"(sums), "+l"(channel), "+l"(half), "+l"(back),
                           "+l"(end)
                         :
                         : "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
    } else {
        __asm__ volatile(START TWO(0, 4) TWO(8, 12) TWO(16, 20) TWO(24, 28)
                         "ldmia r0!, {r3}\n ldr r6, [r2, #32]\n muls r3, r6, r3\n" SPLIT END
                         : "+l"(columns), "+l"(sums), "+l"(channel), "+l"(half), "+l"(back),
                           "+l"(end)
                         :
                         : "r6", "r8", "r9", "r10", "r11", "r12", "cc", "memory");
    }
}
#else
#define W(tap) (uint32_t) w[tap]

struct sums {
    uint32_t low;
    int32_t high;
};

static inline struct sums add_chunk(struct sums s, uint32_t p)
{
    p += 0x8000u;
    s.low += p;
    s.high += (int32_t)p >> 16;
    return s;
}

static inline struct sums sum_threes(const uint32_t *x, const int32_t *w)
{
    struct sums s = {0, 0};
    s = add_chunk(s, x[0] * W(0) + x[1] * W(1) + x[2] * W(2));
    s = add_chunk(s, x[3] * W(3) + x[4] * W(4) + x[5] * W(5));
    return add_chunk(s, x[6] * W(6) + x[7] * W(7) + x[8] * W(8));
}

static inline struct sums sum_twos(const uint32_t *x, const int32_t *w)
{
    struct sums s = {0, 0};
    s = add_chunk(s, x[0] * W(0) + x[1] * W(1));
    s = add_chunk(s, x[2] * W(2) + x[3] * W(3));
    s = add_chunk(s, x[4] * W(4) + x[5] * W(5));
    s = add_chunk(s, x[6] * W(6) + x[7] * W(7));
    return add_chunk(s, x[8] * W(8));
}

static void sum_columns(const uint32_t *x, int32_t step, const struct channel *c, int32_t *acc,
                        int32_t count)
{
    int32_t i;
    for (i = 0; i < count; i++) {
        const struct sums s = c->in_threes ? sum_threes(x, c->w) : sum_twos(x, c->w);
        acc[0] = (int32_t)(s.low - ((uint32_t)s.high << 16)) + c->bias[0];
        acc[1] = s.high + c->bias[1];
        acc += 2;
        x += step;
    }
}
#endif

static int32_t magnitude(const int8_t *w)
{
    int32_t sum = 0, k;
    for (k = 0; k < 3; k++) {
        sum += w[k] < 0 ? -w[k] : w[k];
    }
    return sum;
}

static struct channel take_channel(const struct eq_paired_depthwise *d, int32_t index)
{
    const int8_t *const w = d->weights + 9 * index;
    const int32_t bias = d->scaling.bias ? d->scaling.bias[index] : d->out.bias[index];
    struct channel c;
    int32_t k;
    c.index = index;
    if (d->scaling.bias) {
        c.scale = eq_scale_of(&d->scaling, index);
    }
    for (k = 0; k < 9; k++) {
        c.w[k] = w[k];
    }
    c.in_threes = magnitude(w) < 256 && magnitude(w + 3) < 256 && magnitude(w + 6) < 256;
    c.bias[0] = bias - (c.in_threes ? 3 : 5) * 0x8000;
    c.bias[1] = bias;
    return c;
}

/* Finishes two rows of sums, the lower one only where the output has it. */
static void finish_rows(const struct eq_paired_depthwise *d, const struct channel *c,
                        const int32_t *acc, int8_t *y, int32_t lower)
{
    const int32_t step = d->window.out_c, next = lower ? d->window.out_w * step : 0;
    const int32_t *const end = acc + 2 * d->window.out_w;
    if (d->scaling.bias) {
        for (; acc < end; acc += 4) {
            int32_t v[4] = {acc[0], acc[1], acc[2], acc[3]};
            eq_scale_four(&c->scale, v);
            y[next] = (int8_t)v[1];
            y[0] = (int8_t)v[0];
            y += step;
            if (acc + 2 < end) {
                y[next] = (int8_t)v[3];
                y[0] = (int8_t)v[2];
                y += step;
            }
        }
    } else {
        for (; acc < end; acc += 2) {
            y[next] = eq_finish(&d->out, acc[1], c->index);
            y[0] = eq_finish(&d->out, acc[0], c->index);
            y += step;
        }
    }
}

static void depthwise_plane(const struct plane *p, int32_t c, const uint32_t *columns,
                            int32_t *acc, int8_t *y)
{
    const struct eq_paired_depthwise *d = p->layer;
    const struct eq_window *g = &d->window;
    const struct channel channel = take_channel(d, c);
    int32_t oy;
    begin(p, -g->pad_h);
    for (oy = 0; oy < g->out_h; oy += 2) {
        const int32_t row = oy * g->stride_h - g->pad_h;
        if (g->stride_h == 1) {
            slide_by_one(p, row);
        } else {
            slide_by_two(p, row);
        }
        sum_columns(columns, g->stride_w * TAPS, &channel, acc, g->out_w);
        finish_rows(d, &channel, acc, y, oy + 1 < g->out_h);
        y += 2 * g->out_w * g->out_c;
    }
}

void eq_paired_depthwise(const struct eq_paired_depthwise *layer, int8_t *scratch, const int8_t *x,
                         int8_t *y)
{
    const struct eq_window *g = &layer->window;
    const int32_t seen = ((g->out_w - 1) * g->stride_w + 3) * TAPS;
    const int32_t words = seen > (g->pad_w + g->in_w) * TAPS ? seen : (g->pad_w + g->in_w) * TAPS;
    uint32_t *const columns = (uint32_t *)(void *)scratch;
    struct plane p = {layer, columns + g->pad_w * TAPS, x};
    int32_t n, c, i;
    for (i = 0; i < words; i++) {
        columns[i] = pair_of(layer->in_zero, layer->in_zero);
    }
    for (n = 0; n < g->batch; n++) {
        for (c = 0; c < layer->made; c++) {
            p.x = x + c;
            depthwise_plane(&p, c, columns, (int32_t *)(columns + words), y + c);
        }
        x += g->in_h * g->in_w * g->in_c;
        y += g->out_h * g->out_w * g->out_c;
    }
}
