#include "eq_coded_small.h"
#include "eq_paired_words.h"

#if defined(__thumb__) && !defined(__thumb2__) && defined(__GNUC__)
/* Weights take a word each, which is loaded in less than an instruction. */
typedef int32_t weight;

/* The weights of the codes in [r0, end), `each` to a byte, at r1. There is an even number of bytes
   where codes have four bits. */
#define LOW(at, shift) "ldrb r3, [r0, #" #at "]\n lsls r6, r3, #28\n lsrs r6, r6, #" #shift "\n"
#define HIGH(shift) "lsrs r6, r3, #4\n lsls r6, r6, #" #shift "\n"
#define BYTE(at)                                                                                  \
    LOW(at, 28) "ldrsb r4, [r2, r6]\n lsrs r3, r3, #4\n ldrsb r5, [r2, r3]\n"                     \
    "stmia r1!, {r4, r5}\n"
#define TWO                                                                                       \
    "ldrsb r4, [r2, r6]\n adds r6, #1\n ldrsb r5, [r2, r6]\n stmia r1!, {r4, r5}\n"
#define FOUR TWO "adds r6, #1\n" TWO
#define DECODE(bytes, count)                                                                      \
    __asm__ volatile(".syntax unified\n mov r12, r3\n1:\n" bytes                                  \
                     "adds r0, #" #count "\n cmp r0, r12\n bne 1b\n"                              \
                     : "+l"(from), "+l"(to), "+l"(last)                                           \
                     : "l"(table)                                                                 \
                     : "r4", "r5", "r6", "r12", "cc", "memory")

static void decode(const struct eq_codes *c, int32_t o, weight *w)
{
    const int32_t bytes = c->bytes + (c->tail != 0);
    register uintptr_t from __asm__("r0") = (uintptr_t)(c->codes + o * bytes);
    register uintptr_t to __asm__("r1") = (uintptr_t)w;
    register uintptr_t table __asm__("r2") = (uintptr_t)c->book;
    register uintptr_t last __asm__("r3") = (uintptr_t)(c->codes + (o + 1) * bytes);
    if (c->each == 2) {
        DECODE(BYTE(0) BYTE(1), 2);
    } else if (c->each == 4) {
        DECODE(LOW(0, 27) TWO HIGH(1) TWO, 1);
    } else {
        DECODE(LOW(0, 26) FOUR HIGH(2) FOUR, 1);
    }
}

/* acc[i] = the sum of pixel i, over the chunks in [x, end), whose number is even. r7 may be the
   frame's: what the compiler chooses a register for lies elsewhere. */
#define TWO_TAPS                                                                                  \
    "ldmia r0!, {r2, r3, r4, r5}\n ldmia r1!, {r6, r7}\n"                                         \
    "muls r2, r6, r2\n muls r3, r6, r3\n muls r4, r7, r4\n muls r5, r7, r5\n"                     \
    "adds r2, r2, r4\n adds r3, r3, r5\n add r2, lr\n add r3, lr\n"                               \
    "add r8, r2\n asrs r2, r2, #16\n add r9, r2\n"                                                \
    "add r10, r3\n asrs r3, r3, #16\n add r11, r3\n"

static inline void dot(const uint32_t *x, const uint32_t *end, const weight *w, uint32_t low,
                       int32_t high, int32_t *acc)
{
    register uintptr_t columns __asm__("r0") = (uintptr_t)x;
    register uintptr_t weights __asm__("r1") = (uintptr_t)w;
    register uint32_t first __asm__("r2") = low;
    register int32_t second __asm__("r3") = high;
    register uintptr_t third __asm__("r4") = (uintptr_t)end;
    register uint32_t fourth __asm__("r5") = EQ_HALF;
    __asm__(".syntax unified\n push {r7}\n mov r8, r2\n mov r9, r3\n mov r10, r2\n mov r11, r3\n"
            "mov r12, r4\n mov lr, r5\n"
            "1:\n" TWO_TAPS TWO_TAPS
            "cmp r0, r12\n bne 1b\n pop {r7}\n"
            "mov r3, r9\n lsls r6, r3, #16\n mov r2, r8\n subs r2, r2, r6\n"
            "mov r5, r11\n lsls r6, r5, #16\n mov r4, r10\n subs r4, r4, r6\n"
            : "+l"(columns), "+l"(weights), "+l"(first), "+l"(second), "+l"(third), "+l"(fourth)
            :
            : "r6", "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
    acc[0] = (int32_t)first;
    acc[1] = second;
    acc[2] = (int32_t)third;
    acc[3] = (int32_t)fourth;
}
#else
typedef int8_t weight;

static void decode(const struct eq_codes *c, int32_t o, weight *w)
{
    eq_decode(c, o, 1, w);
}

/* Apart from the loops around it, which would leave it too few registers. */
static EQ_APART void dot(const uint32_t *x, const uint32_t *end, const weight *w, uint32_t low,
                         int32_t high, int32_t *acc)
{
    eq_words_dot(x, end, w, low, high, acc);
}
#endif

/* What the pixels under way share: fours of them, whose packed taps follow each other. */
struct batch {
    const struct eq_coded_paired *layer;
    weight *weights;
    uint32_t *columns;
    int32_t words; /* of four pixels */
    int32_t pixels;
    int8_t *y;
};

/* Packs the next pixels, as many as there is room for; returns their number. */
static int32_t pack_batch(const struct batch *b, struct eq_walk *at, const int8_t *x)
{
    const struct eq_paired *const conv = &b->layer->conv;
    struct eq_job job = {conv, b->columns, b->columns + b->words, 0, 0};
    int32_t count = 0;
    while (count < b->layer->pixels && at->oy < conv->window.out_h) {
        struct eq_tile tile = eq_next_tile(&conv->window, at);
        eq_pack_tile(&job, &tile, x, (uint32_t *)(uintptr_t)job.columns, eq_pack_words);
        job.columns = job.end;
        job.end += b->words;
        count += tile.count;
    }
    return count;
}

/* One output of all packed pixels. */
static void make_output(const struct batch *b, int32_t o)
{
    const struct eq_paired *const conv = &b->layer->conv;
    const struct eq_scaling s = conv->scaling;
    const int32_t bias = s.bias ? s.bias[o] : conv->out.bias[o];
    const uint32_t low = eq_words_start(conv->depth, bias);
    struct eq_job job = {conv, b->columns, b->columns + b->words, 0, b->y};
    int32_t left, acc[4];
    decode(&b->layer->weights, o, b->weights);
    for (left = b->pixels; left > 0; left -= 4) {
        dot(job.columns, job.end, b->weights, low, bias, acc);
        job.count = left < 4 ? left : 4;
        eq_finish_pixels(&job, &s, o, acc);
        job.columns = job.end;
        job.end += b->words;
        job.y += 4 * conv->window.out_c;
    }
}

void eq_coded_paired(const struct eq_coded_paired *layer, int8_t *scratch, const int8_t *x,
                     int8_t *y)
{
    const struct eq_window *const g = &layer->conv.window;
    weight *const weights = (weight *)(void *)scratch;
    struct batch b = {layer, weights, 0, 2 * layer->conv.depth, 0, y};
    int32_t n, o;
    b.columns = (uint32_t *)(void *)(weights + ((layer->conv.depth + 7) & ~7));
    for (n = 0; n < g->batch; n++) {
        struct eq_walk at = {0, 0};
        while ((b.pixels = pack_batch(&b, &at, x)) != 0) {
            for (o = 0; o < layer->conv.made; o++) {
                make_output(&b, o);
            }
            b.y += b.pixels * g->out_c;
        }
        x += g->in_h * g->in_w * g->in_c;
    }
}
