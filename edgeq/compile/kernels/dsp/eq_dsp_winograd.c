#include "eq_dsp_border.h"
#include "eq_dsp_winograd.h"

enum { PLACES = 16, TILES = 4, ROWS = 4, COLUMNS = 10 };

#ifdef EQ_DSP_ASM

/* Two inputs of four tiles and two outputs, as in eq_dsp_tile.c, with weights of 16 bits. */
#define PRODUCTS(first, second, s0, s1, s2, s3, s4, s5, s6, s7) \
    "ldmia.n r0!, {r2, r3}\n"                                   \
    "ldmia.w r1!, {r12, lr}\n"                                  \
    first " r4, r2, r12" s0 "\n"                                \
    first " r5, r2, lr" s1 "\n"                                 \
    first " r6, r3, r12" s2 "\n"                                \
    first " r7, r3, lr" s3 "\n"                                 \
    "ldmia.n r0!, {r2, r3}\n"                                   \
    second " r8, r2, r12" s4 "\n"                               \
    second " r9, r2, lr" s5 "\n"                                \
    second " r10, r3, r12" s6 "\n"                              \
    second " r11, r3, lr" s7 "\n"
#define FIRST PRODUCTS("smuad", "smuad", "", "", "", "", "", "", "", "")
#define STEP                                                                                    \
    PRODUCTS("smlad", "smlad", ", r4", ", r5", ", r6", ", r7", ", r8", ", r9", ", r10", ", r11")

/* sums[16][4][2] of x[16][steps][4] and the weights w[16][steps][2]; returns where they end. The
   frame: 0 sums, 4 entry into the steps, 8 end of a place, 12 bytes of a place, 16 end of x. */
EQ_DSP_NAKED static const int32_t *multiply(const int32_t *x EQ_UNUSED,
                                            const int32_t *w EQ_UNUSED,
                                            int32_t steps EQ_UNUSED, int32_t *sums EQ_UNUSED)
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r4-r11, lr}\n"
        "sub sp, #20\n"
        "lsls r4, r2, #4\n"
        "adds r5, r0, r4\n"
        "add r6, r0, r4, lsl #4\n"
        "str r3, [sp]\n"
        "strd r5, r4, [sp, #8]\n"
        "str r6, [sp, #16]\n"
        "adr r7, 1f\n"
        "subs r2, #1\n"
        "itt eq\n"
        "adreq r7, 2f\n"
        "moveq r2, #8\n"
        "rsbs r2, r2, #0\n"
        "and r2, r2, #7\n"
        "movs r3, #40\n" /* bytes of code in a step */
        "mla r7, r2, r3, r7\n"
        "orr r7, r7, #1\n"
        "str r7, [sp, #4]\n"
        "0:\n"
        FIRST
        "ldr pc, [sp, #4]\n"
        ".p2align 2\n"
        "1:\n"
        ".rept 8\n" STEP ".endr\n"
        "ldr r2, [sp, #8]\n"
        "cmp r0, r2\n"
        "bne 1b\n"
        ".p2align 2\n"
        "2:\n"
        "ldm sp, {r2, r3, r12, lr}\n"
        "stmia r2!, {r4-r11}\n"
        "add r12, r12, lr\n"
        "str r2, [sp]\n"
        "str r12, [sp, #8]\n"
        "ldr r2, [sp, #16]\n"
        "cmp r0, r2\n"
        "bne 0b\n"
        "mov r0, r1\n"
        "add sp, #20\n"
        "pop {r4-r11, pc}\n");
}

/* A column of A'M in %4 and %5, by %6 and %7. */
#define SUM_COLUMN(m0, m1, m2, m3) \
    "ldr %4, [%8, #" m0 "]\n"      \
    "ldr %5, [%8, #" m1 "]\n"      \
    "ldr %6, [%8, #" m2 "]\n"      \
    "ldr %7, [%8, #" m3 "]\n"      \
    "add %4, %4, %5\n"             \
    "add %4, %4, %6\n"             \
    "sub %5, %5, %6\n"             \
    "sub %5, %5, %7\n"

/* A'MA for one output of one tile: s[16][8] to y[2][2]. */
EQ_DSP_INLINE void transform_sums(const int32_t *s, int32_t *y)
{
    int32_t y0, y1, y2, y3, t0, t1, t2, t3;
    __asm__(SUM_COLUMN("0", "128", "256", "384")
            "mov %0, %4\n"
            "mov %2, %5\n" SUM_COLUMN("32", "160", "288", "416")
            "add %0, %0, %4\n"
            "mov %1, %4\n"
            "add %2, %2, %5\n"
            "mov %3, %5\n" SUM_COLUMN("64", "192", "320", "448")
            "add %0, %0, %4\n"
            "sub %1, %1, %4\n"
            "add %2, %2, %5\n"
            "sub %3, %3, %5\n" SUM_COLUMN("96", "224", "352", "480")
            "sub %1, %1, %4\n"
            "sub %3, %3, %5\n"
            : "=&r"(y0), "=&r"(y1), "=&r"(y2), "=&r"(y3), "=&r"(t0), "=&r"(t1), "=&r"(t2),
              "=&r"(t3)
            : "r"(s)
            : "memory");
    y[0] = y0;
    y[1] = y1;
    y[2] = y2;
    y[3] = y3;
}

#else

EQ_DSP_INLINE void transform_sums(const int32_t *s, int32_t *y)
{
    int32_t j;
    y[0] = y[1] = y[2] = y[3] = 0;
    for (j = 0; j < 4; j++, s += 2 * TILES) {
        const int32_t top = s[0] + s[32] + s[64], bottom = s[32] - s[64] - s[96];
        const int32_t left = j < 3 ? 1 : 0, right = j == 0 ? 0 : j == 1 ? 1 : -1;
        y[0] += left * top;
        y[1] += right * top;
        y[2] += left * bottom;
        y[3] += right * bottom;
    }
}

static const int32_t *multiply(const int32_t *x, const int32_t *w, int32_t steps, int32_t *sums)
{
    int32_t place, k, i;
    for (place = 0; place < PLACES; place++, sums += 2 * TILES) {
        for (i = 0; i < 2 * TILES; i++) {
            sums[i] = 0;
        }
        for (k = 0; k < steps; k++, x += TILES, w += 2) {
            for (i = 0; i < 2 * TILES; i++) {
                sums[i] = eq_dsp_smlad(x[i / 2], w[i % 2], sums[i]);
            }
        }
    }
    return w;
}

#endif

/* A layer at work: the memory of eight columns. */
struct work {
    const struct eq_dsp_winograd *layer;
    int32_t *wide;
    int32_t *sums;
    int8_t *bytes;
};

/* Four inputs of a column of B'd: of 0 and 2 in `even`, of 1 and 3 in `odd`. */
struct column {
    int32_t even, odd;
};

EQ_DSP_INLINE struct column add_rows(const int8_t *a, const int8_t *b, int plus)
{
    const int32_t u = eq_dsp_load(a), v = eq_dsp_load(b);
    const int32_t u0 = eq_dsp_sxtb16(u), v0 = eq_dsp_sxtb16(v);
    const int32_t u1 = eq_dsp_sxtb16_8(u), v1 = eq_dsp_sxtb16_8(v);
    struct column c;
    c.even = plus ? eq_dsp_sadd16(u0, v0) : eq_dsp_ssub16(u0, v0);
    c.odd = plus ? eq_dsp_sadd16(u1, v1) : eq_dsp_ssub16(u1, v1);
    return c;
}

/* A row of B'dB, for four inputs of four tiles: rows a + b or a - b, then across the columns.
   Tiles start two columns apart and are four wide; `to` is [4][steps][4], places `place` apart. */
EQ_DSP_INLINE void transform_row(const int8_t *a, const int8_t *b, int plus, int32_t depth,
                                 int32_t place, int32_t *to)
{
    struct column c0 = add_rows(a, b, plus), c1 = add_rows(a + depth, b + depth, plus);
    int32_t left;
    for (left = TILES; left > 0; left--, to++) {
        struct column c2, c3;
        int32_t *p = to;
        a += 2 * depth;
        b += 2 * depth;
        c2 = add_rows(a, b, plus);
        p[0] = eq_dsp_ssub16(c0.even, c2.even);
        p[TILES] = eq_dsp_ssub16(c0.odd, c2.odd);
        p += place;
        p[0] = eq_dsp_sadd16(c1.even, c2.even);
        p[TILES] = eq_dsp_sadd16(c1.odd, c2.odd);
        p += place;
        p[0] = eq_dsp_ssub16(c2.even, c1.even);
        p[TILES] = eq_dsp_ssub16(c2.odd, c1.odd);
        p += place;
        c3 = add_rows(a + depth, b + depth, plus);
        p[0] = eq_dsp_ssub16(c1.even, c3.even);
        p[TILES] = eq_dsp_ssub16(c1.odd, c3.odd);
        c0 = c2;
        c1 = c3;
    }
}

EQ_APART static void transform_difference(const int8_t *a, const int8_t *b, int32_t depth,
                                          int32_t place, int32_t *to)
{
    transform_row(a, b, 0, depth, place, to);
}

EQ_APART static void transform_sum(const int8_t *a, const int8_t *b, int32_t depth,
                                   int32_t place, int32_t *to)
{
    transform_row(a, b, 1, depth, place, to);
}

static void transform_input(const struct work *w, const int8_t *x, int32_t row)
{
    const int32_t depth = w->layer->window.in_c, place = 2 * depth;
    int32_t *to = w->wide;
    int32_t k;
    for (k = 0; k < depth; k += 4, x += 4, to += 2 * TILES) {
        transform_difference(x, x + 2 * row, depth, place, to);
        transform_sum(x + row, x + 2 * row, depth, place, to + 4 * place);
        transform_difference(x + 2 * row, x + row, depth, place, to + 8 * place);
        transform_difference(x + row, x + 3 * row, depth, place, to + 12 * place);
    }
}

/* An output of the tiles of `columns` x `rows` pixels. The sums divide by four without a rest. */
static void finish_output(const struct work *w, const int32_t *sums, int32_t bias,
                          int32_t multiplier, int32_t shift, int32_t rows, int32_t columns,
                          int8_t *y)
{
    const int32_t zero = w->layer->zero, next = w->layer->window.out_c;
    int8_t *below = y + (rows > 1 ? w->layer->window.out_w * next : 0);
    for (; columns > 0; columns -= 2, sums += 2, y += 2 * next, below += 2 * next) {
        const int32_t right = columns > 1 ? next : 0;
        int32_t sum[4];
        transform_sums(sums, sum);
        /* What lies outside goes where a true output follows. */
        below[right] = eq_dsp_finish(bias + (sum[3] >> 2), multiplier, shift, zero);
        below[0] = eq_dsp_finish(bias + (sum[2] >> 2), multiplier, shift, zero);
        y[right] = eq_dsp_finish(bias + (sum[1] >> 2), multiplier, shift, zero);
        y[0] = eq_dsp_finish(bias + (sum[0] >> 2), multiplier, shift, zero);
    }
}

static void clamp_rows(const struct work *w, int32_t rows, int32_t columns, int8_t *y)
{
    const struct eq_dsp_winograd *layer = w->layer;
    const int32_t depth = layer->window.out_c;
    int32_t i;
    if (layer->min == -128 && layer->max == 127) {
        return;
    }
    for (; rows > 0; rows--, y += layer->window.out_w * depth) {
        for (i = 0; i < columns * depth; i++) {
            y[i] = (int8_t)eq_clamp(y[i], layer->min, layer->max);
        }
    }
}

/* At most two rows and eight columns of outputs from (oy, ox) of one image. */
static void compute(const struct work *w, const int8_t *x, int32_t oy, int32_t ox, int8_t *y)
{
    const struct eq_window *g = &w->layer->window;
    const int32_t row = oy - g->pad_h, column = ox - g->pad_w, depth = g->in_c;
    const int32_t rows = g->out_h - oy < 2 ? g->out_h - oy : 2;
    const int32_t columns = g->out_w - ox < 8 ? g->out_w - ox : 8;
    const int32_t *stream = w->layer->stream;
    int32_t o;
    y += (oy * g->out_w + ox) * g->out_c;
    if (row >= 0 && column >= 0 && row + ROWS <= g->in_h && column + COLUMNS <= g->in_w) {
        transform_input(w, x + (row * g->in_w + column) * depth, g->in_w * depth);
    } else {
        eq_dsp_border(g, w->layer->in_zero, x, row, column, ROWS, 1, COLUMNS, w->bytes);
        transform_input(w, w->bytes, COLUMNS * depth);
    }
    for (o = 0; o < g->out_c; o += 2) {
        const int32_t *const bias = stream;
        stream = multiply(w->wide, stream + 2, depth / 2, w->sums);
        finish_output(w, w->sums, bias[0], stream[2], stream[0] >> 8 & 0xff, rows, columns,
                      y + o);
        finish_output(w, w->sums + 1, bias[1], stream[1], stream[0] & 0xff, rows, columns,
                      y + o + 1);
        stream += 3;
    }
    clamp_rows(w, rows, columns, y);
}

void eq_dsp_winograd(const struct eq_dsp_winograd *layer, const int8_t *x, int8_t *scratch,
                     int8_t *y)
{
    const struct eq_window *g = &layer->window;
    const int32_t sums = 128 * g->in_c, bytes = sums + 512;
    const struct work w = {layer, (int32_t *)(void *)scratch, (int32_t *)(void *)(scratch + sums),
                           scratch + bytes};
    int32_t n, oy, ox;
    for (n = 0; n < g->batch; n++) {
        for (oy = 0; oy < g->out_h; oy += 2) {
            for (ox = 0; ox < g->out_w; ox += 8) {
                compute(&w, x, oy, ox, y);
            }
        }
        x += g->in_h * g->in_w * g->in_c;
        y += g->out_h * g->out_w * g->out_c;
    }
}
