#include "eq_coded_dense.h"

#include "eq_coded_eights.h"
#include "eq_coded_table.h"
#include "eq_dsp.h"

#define OUTPUTS EQ_EIGHT

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

/* Sums wrap round, as SMLAD's do. */
static void add(int32_t *sum, int32_t products)
{
    *sum = (int32_t)((uint32_t)*sum + (uint32_t)products);
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
            add(&e->sums[i % OUTPUTS], multiply(x + i / OUTPUTS, low, high));
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
            add(&e->sums[i % OUTPUTS], multiply(x + i / OUTPUTS, low, high));
            add(&e->sums[i % OUTPUTS + 1], multiply(x + i / OUTPUTS, low_b, high_b));
        }
    }
}

#endif

static void fill_words(const struct eq_codes *w, uint32_t *words)
{
    uint32_t halves[16];
    int32_t i;
    for (i = 0; i < 16; i++) {
        const int8_t *const pair = w->book + 2 * i;
        halves[i] = (uint32_t)(w->each == 2 ? w->book[i] : 256 * pair[0] + pair[1]);
    }
    eq_fill_table(halves, words);
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

/* The same of two outputs each, chunk by chunk: the sums of 256 * a + b, and of b. Both start at
   that of b, which comes out as it is. */
static void add_pairs(struct eight *e, const int8_t *x, int32_t taps, int32_t chunk)
{
    int32_t a[OUTPUTS / 2], i;
    while (taps > 0) {
        const int32_t some = taps < chunk ? taps : chunk;
        for (i = 0; i < OUTPUTS; i += 2) {
            a[i / 2] = e->sums[i];
            e->sums[i] = e->sums[i + 1];
        }
        e->x = x;
        e->end = x + some;
        add_twos(e);
        for (i = 0; i < OUTPUTS; i += 2) {
            const uint32_t both = (uint32_t)e->sums[i], b = (uint32_t)e->sums[i + 1];
            e->sums[i] = a[i / 2] + ((int32_t)(both - b) >> 8);
        }
        e->codes += 2 * some;
        x += some;
        taps -= some;
    }
}

/* Eight outputs start at their biases; those that are not made start anywhere. */
static inline void start(const struct eq_output *q, int32_t first, int32_t made, int32_t *sums)
{
    const int32_t *const bias = q->bias + first;
    int32_t i;
    if (made == OUTPUTS) {
        for (i = 0; i < OUTPUTS; i++) {
            sums[i] = bias[i];
        }
        return;
    }
    for (i = 0; i < OUTPUTS; i++) {
        sums[i] = i < made ? bias[i] : 0;
    }
}

void eq_coded_dense(const struct eq_coded_dense *layer, const int8_t *x, int8_t *scratch,
                    int8_t *y)
{
    const struct eq_codes *const w = &layer->weights;
    const struct eq_output q = layer->out;
    const int32_t whole = layer->depth & ~3, tail = layer->depth - whole;
    const int single = w->each == 2;
    int8_t last[4] = {0};
    struct eight eight;
    int32_t o, i;
    for (i = 0; i < tail; i++) {
        last[i] = x[whole + i];
    }
    fill_words(w, (uint32_t *)(void *)scratch);
    eight.words = (const int32_t *)(const void *)scratch;
    eight.codes = w->codes;
    for (o = 0; o < layer->outputs; o += OUTPUTS) {
        const int32_t made = layer->outputs - o < OUTPUTS ? layer->outputs - o : OUTPUTS;
        start(&q, o, made, eight.sums);
        if (single) {
            add_singles(&eight, x, whole);
            add_singles(&eight, last, tail ? 4 : 0);
        } else {
            add_pairs(&eight, x, whole, layer->chunk);
            add_pairs(&eight, last, tail ? 4 : 0, 4);
        }
        eq_finish_eight(&q, eight.sums, o, made, y + o);
    }
    eq_dsp_limit(y, layer->outputs, q.min, q.max);
}
