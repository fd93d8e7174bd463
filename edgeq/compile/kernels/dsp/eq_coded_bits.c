#include "eq_coded_bits.h"

#include "eq_coded_eights.h"
#include "eq_dsp.h"

/* A chunk of taps of eight outputs. The order is known to the assembly. */
struct eight {
    const int16_t *tables;
    const int32_t *codes;
    const int16_t *end;
    int32_t sums[EQ_EIGHT];
};

#ifdef EQ_DSP_ASM

/* r0 the table of four taps, r1 codes, r2 those of eight outputs, r4..r11 their sums. */
#define TWO(low, high, first, second)  \
    low                                \
    "ldrsh r3, [r0, r3, lsl #1]\n"     \
    high                               \
    "ldrsh lr, [r0, lr, lsl #1]\n"     \
    "add " first ", " first ", r3\n"   \
    "add " second ", " second ", lr\n"
#define LOW(at) "ubfx r3, r2, #" at ", #4\n"
#define HIGH(at) "ubfx lr, r2, #" at ", #4\n"
#define FOUR_TAPS                                          \
    "ldr r2, [r1], #4\n"                                   \
    TWO("and r3, r2, #15\n", HIGH("4"), "r4", "r5")        \
    TWO(LOW("8"), HIGH("12"), "r6", "r7")                  \
    TWO(LOW("16"), HIGH("20"), "r8", "r9")                 \
    TWO(LOW("24"), "lsr lr, r2, #28\n", "r10", "r11")      \
    "adds r0, #32\n"

EQ_DSP_NAKED static void add_chunk(struct eight *eight EQ_UNUSED)
{
    __asm__ volatile(
        ".syntax unified\n"
        "push {r0, r4-r11, lr}\n"
        "ldm r0!, {r1, r2, r12}\n"
        "ldm r0, {r4-r11}\n"
        "mov r0, r1\n"
        "mov r1, r2\n"
        "1:\n"
        FOUR_TAPS
        FOUR_TAPS
        "cmp r0, r12\n"
        "bne 1b\n"
        "pop {r0}\n"
        "adds r0, #12\n"
        "stm r0, {r4-r11}\n"
        "pop {r4-r11, pc}\n");
}

#else

static void add_chunk(struct eight *e)
{
    const int32_t *codes = e->codes;
    const int16_t *table;
    int32_t i;
    for (table = e->tables; table != e->end; table += 16, codes++) {
        for (i = 0; i < EQ_EIGHT; i++) {
            e->sums[i] += table[(uint32_t)*codes >> 4 * i & 15];
        }
    }
}

#endif

/* The sums of some of four taps: that of taps 0 and 2 is the sixth. */
static void fill_table(const int8_t *x, int32_t *words)
{
    const int32_t second = eq_dsp_pair(x[1], x[1]), third = eq_dsp_pair(x[2], x[2]);
    const int32_t fourth = eq_dsp_pair(x[3], x[3]);
    words[0] = eq_dsp_pair(0, x[0]);
    words[1] = eq_dsp_sadd16(words[0], second);
    words[2] = eq_dsp_sadd16(words[0], third);
    words[3] = eq_dsp_sadd16(words[1], third);
    words[4] = eq_dsp_sadd16(words[0], fourth);
    words[5] = eq_dsp_sadd16(words[1], fourth);
    words[6] = eq_dsp_sadd16(words[2], fourth);
    words[7] = eq_dsp_sadd16(words[3], fourth);
}

/* The tables of `taps` taps, and of noughts up to `end`; returns the sum of all. */
static int32_t fill_tables(const int8_t *x, int32_t taps, int32_t *words, const int32_t *end)
{
    int32_t sum = 0, i;
    for (; words != end; words += 8, x += 4, taps -= 4) {
        int8_t last[4] = {0};
        if (taps >= 4) {
            fill_table(x, words);
        } else {
            for (i = 0; i < taps; i++) {
                last[i] = x[i];
            }
            fill_table(last, words);
        }
        sum += words[7] >> 16;
    }
    return sum;
}

/* Finishes the sums of the taps whose bits are set; those of all are in `base`. */
static void finish(const struct eq_coded_bits *layer, const struct eq_output *q, int32_t base,
                   const int32_t *set, int32_t first, int8_t *y)
{
    const int32_t left = layer->outputs - first, made = left < EQ_EIGHT ? left : EQ_EIGHT;
    const int32_t step = layer->step;
    int32_t sums[EQ_EIGHT], i;
    for (i = 0; i < EQ_EIGHT; i++) {
        const uint32_t bias = i < made ? (uint32_t)q->bias[first + i] : 0;
        sums[i] = (int32_t)(bias + (uint32_t)base + (uint32_t)(step * set[i]));
    }
    eq_finish_eight(q, sums, first, made, y + first);
}

void eq_coded_bits(const struct eq_coded_bits *layer, const int8_t *x, int8_t *scratch, int8_t *y)
{
    const struct eq_output q = layer->out;
    const int32_t depth = layer->depth, chunk = layer->chunk;
    int32_t *const tables = (int32_t *)(void *)scratch, *const sums = tables + 2 * chunk;
    struct eight e;
    int32_t base = 0, k, o, i;
    e.tables = (const int16_t *)tables;
    e.codes = layer->codes;
    for (k = 0; k < depth; k += chunk) {
        const int32_t taps = depth - k < chunk ? depth - k : chunk;
        const int32_t *const end = tables + 16 * ((taps + 7) / 8);
        e.end = (const int16_t *)end;
        base += fill_tables(x + k, taps, tables, end);
        for (o = 0; o < layer->outputs; o += EQ_EIGHT) {
            for (i = 0; i < EQ_EIGHT; i++) {
                e.sums[i] = k == 0 ? 0 : sums[o + i];
            }
            add_chunk(&e);
            e.codes += (taps + 7) / 8 * 2;
            if (k + chunk >= depth) {
                finish(layer, &q, layer->clear * base, e.sums, o, y);
                continue;
            }
            for (i = 0; i < EQ_EIGHT; i++) {
                sums[o + i] = e.sums[i];
            }
        }
    }
    eq_dsp_limit(y, layer->outputs, q.min, q.max);
}
