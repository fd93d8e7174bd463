#include "eq_coded_dense.h"

#define OUTPUTS 8

/* Some taps of eight outputs. The order is known to the assembly. */
struct eight {
    const int8_t *x;
    const uint8_t *codes;
    const int32_t *words;
    const int8_t *end;
    int32_t sums[OUTPUTS];
};

#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && defined(__thumb2__)

#define WORD                                                                                       \
    "ldrb lr, [r1], #1\n"                                                                          \
    "ldr lr, [r2, lr, lsl #2]\n"
#define ONE(x, sum) WORD "smlad " sum ", " x ", lr, " sum "\n"
#define TWO(x, both, b)                                                                            \
    WORD "smlad " both ", " x ", lr, " both "\n"                                                   \
         "sxtb16 lr, lr\n"                                                                         \
         "smlad " b ", " x ", lr, " b "\n"
#define ONES(x)                                                                                    \
    ONE(x, "r5") ONE(x, "r6") ONE(x, "r7") ONE(x, "r8")                                            \
    ONE(x, "r9") ONE(x, "r10") ONE(x, "r11") ONE(x, "r12")
#define TWOS(x)                                                                                    \
    TWO(x, "r5", "r6") TWO(x, "r7", "r8") TWO(x, "r9", "r10") TWO(x, "r11", "r12")
/* Four taps of eight outputs. */
#define BLOCK(halves)                                                                              \
    "ldr r4, [r0], #4\n"                                                                           \
    "sxtb16 r3, r4\n"                                                                              \
    "sxtb16 r4, r4, ror #8\n" halves("r3") halves("r4")
/* Two blocks a turn; an odd one is made first. */
#define ADD(halves, eight)                                                                         \
    register struct eight *p __asm__("r0") = eight;                                                \
    __asm__ volatile("push {r4-r11, lr}\n"                                                         \
                     "add lr, r0, #16\n"                                                           \
                     "ldm lr, {r5-r12}\n"                                                          \
                     "ldr lr, [r0, #12]\n"                                                         \
                     "push {r0, lr}\n"                                                             \
                     "ldm r0, {r0-r2}\n"                                                           \
                     "sub r3, lr, r0\n"                                                            \
                     "lsls r3, r3, #29\n"                                                          \
                     "bne 2f\n"                                                                    \
                     "1:\n" BLOCK(halves) "2:\n" BLOCK(halves) "ldr lr, [sp, #4]\n"                \
                     "cmp r0, lr\n"                                                                \
                     "bne 1b\n"                                                                    \
                     "pop {r0, lr}\n"                                                              \
                     "adds r0, #16\n"                                                              \
                     "stm r0, {r5-r12}\n"                                                          \
                     "pop {r4-r11, lr}\n"                                                          \
                     : "+r"(p)                                                                     \
                     :                                                                             \
                     : "r1", "r2", "r3", "r12", "cc", "memory")

static void add_ones(struct eight *eight)
{
    ADD(ONES, eight);
}

static void add_twos(struct eight *eight)
{
    ADD(TWOS, eight);
}

#else

/* The products of taps (k, k + 2) and the halves of a word. */
static int32_t multiply(const int8_t *x, int32_t low, int32_t high)
{
    return x[0] * low + x[2] * high;
}

static void add_ones(struct eight *e)
{
    const uint8_t *codes = e->codes;
    const int8_t *x;
    int32_t i;
    for (x = e->x; x != e->end; x += 4) {
        for (i = 0; i < 2 * OUTPUTS; i++) {
            const uint32_t word = (uint32_t)e->words[*codes++];
            const int32_t low = (int16_t)(word & 0xffff), high = (int16_t)(word >> 16);
            e->sums[i % OUTPUTS] += multiply(x + i / OUTPUTS, low, high);
        }
    }
}

static void add_twos(struct eight *e)
{
    const uint8_t *codes = e->codes;
    const int8_t *x;
    int32_t i;
    for (x = e->x; x != e->end; x += 4) {
        for (i = 0; i < 2 * OUTPUTS; i += 2) {
            const uint32_t word = (uint32_t)e->words[*codes++];
            const int32_t low = (int16_t)(word & 0xffff), high = (int16_t)(word >> 16);
            const int32_t low_b = (int8_t)(low & 0xff), high_b = (int8_t)(high & 0xff);
            e->sums[i % OUTPUTS] += multiply(x + i / OUTPUTS, low, high);
            e->sums[i % OUTPUTS + 1] += multiply(x + i / OUTPUTS, low_b, high_b);
        }
    }
}

#endif

/* words[i + 16 * j] = the halves that four bits i and j stand for. */
static void fill_words(const struct eq_codes *w, uint32_t *words)
{
    uint32_t halves[16];
    int32_t i, j;
    for (i = 0; i < 16; i++) {
        const int32_t half = w->each == 2 ? w->book[i] : 256 * w->book[2 * i] + w->book[2 * i + 1];
        halves[i] = (uint32_t)half & 0xffff;
    }
    for (j = 0; j < 16; j++) {
        const uint32_t high = halves[j] << 16;
        for (i = 0; i < 16; i++) {
            *words++ = high | halves[i];
        }
    }
}

/* Adds taps of one output each. */
static void add_singles(struct eight *e, const int8_t *x, int32_t taps)
{
    e->x = x;
    e->end = x + taps;
    if (taps != 0) {
        add_ones(e);
    }
    e->codes += 4 * taps;
}

/* Adds taps of two outputs each, chunk by chunk: the sums of 256 * a + b and of b. */
static void add_pairs(struct eight *e, const int8_t *x, int32_t taps, int32_t chunk, int32_t *sums)
{
    int32_t i;
    while (taps > 0) {
        const int32_t some = taps < chunk ? taps : chunk;
        for (i = 0; i < OUTPUTS; i++) {
            e->sums[i] = 0;
        }
        e->x = x;
        e->end = x + some;
        add_twos(e);
        for (i = 0; i < OUTPUTS; i += 2) {
            sums[i] += (e->sums[i] - e->sums[i + 1]) >> 8;
            sums[i + 1] += e->sums[i + 1];
        }
        e->codes += 2 * some;
        x += some;
        taps -= some;
    }
}

static void finish(const struct eq_output *q, const int32_t *sums, int32_t first, int32_t made,
                   int8_t *y)
{
    const int32_t multiplier = q->multiplier[0], shift = q->shift[0], zero = q->zero;
    const int32_t min = q->min, max = q->max;
    int32_t i;
    if (q->mask == 0 && shift >= 0) {
        for (i = 0; i < made; i++) {
            const int32_t r = eq_multiply_high(sums[i] * 2, multiplier);
            y[i] = (int8_t)eq_clamp(((((r + (r >> 31)) >> shift) + 1) >> 1) + zero, min, max);
        }
    } else {
        for (i = 0; i < made; i++) {
            y[i] = eq_finish(q, sums[i], first + i);
        }
    }
}

void eq_coded_dense(const struct eq_coded_dense *layer, const int8_t *x, int8_t *scratch,
                    int8_t *y)
{
    const struct eq_codes *const w = &layer->weights;
    const int32_t whole = layer->depth & ~3, tail = layer->depth - whole;
    int32_t sums[OUTPUTS], o, i;
    int8_t last[4] = {0};
    struct eight eight;
    for (i = 0; i < tail; i++) {
        last[i] = x[whole + i];
    }
    fill_words(w, (uint32_t *)(void *)scratch);
    eight.words = (const int32_t *)(const void *)scratch;
    eight.codes = w->codes;
    for (o = 0; o < layer->outputs; o += OUTPUTS) {
        const int32_t made = layer->outputs - o < OUTPUTS ? layer->outputs - o : OUTPUTS;
        int32_t *const filled = w->each == 2 ? eight.sums : sums;
        for (i = 0; i < OUTPUTS; i++) {
            filled[i] = i < made ? layer->out.bias[o + i] : 0;
        }
        if (w->each == 2) {
            add_singles(&eight, x, whole);
            add_singles(&eight, last, tail ? 4 : 0);
        } else {
            add_pairs(&eight, x, whole, layer->chunk, sums);
            add_pairs(&eight, last, tail ? 4 : 0, 4, sums);
        }
        finish(&layer->out, filled, o, made, y + o);
    }
}
