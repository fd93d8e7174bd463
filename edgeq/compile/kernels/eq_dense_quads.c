#include "eq_dense_quads.h"

/* The order is known to the assembly: 256 * a + b, and b, of two pairs of outputs. */
struct sums {
    const int8_t *x;
    const int32_t *weights;
    int32_t blocks;
    int32_t pairs[2][2];
    int32_t depth;
};

#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && defined(__thumb2__)
#define ASSEMBLY 1

/* Four taps of four outputs. */
#define BLOCK                                                                                      \
    "ldr r4, [r1], #4\n"                                                                           \
    "ldm r2!, {r5-r8}\n"                                                                           \
    "sxtb16 r3, r4\n"                                                                              \
    "sxtb16 r4, r4, ror #8\n" PAIR("r9", "r10", "r5", "r6") PAIR("r11", "r12", "r7", "r8")
#define PAIR(both, b, w02, w13)                                                                    \
    "smlad " both ", r3, " w02 ", " both "\n"                                                      \
    "sxtb16 " w02 ", " w02 "\n"                                                                    \
    "smlad " both ", r4, " w13 ", " both "\n"                                                      \
    "sxtb16 " w13 ", " w13 "\n"                                                                    \
    "smlad " b ", r3, " w02 ", " b "\n"                                                            \
    "smlad " b ", r4, " w13 ", " b "\n"

static void add_quad(struct sums *sums)
{
    register struct sums *s __asm__("r0") = sums;
    __asm__ volatile("push {r4-r11, lr}\n"
                     "ldm r0!, {r1-r3}\n"
                     "movs r9, #0\n"
                     "mov r10, r9\n"
                     "mov r11, r9\n"
                     "mov r12, r9\n"
                     "add lr, r1, r3, lsl #2\n"
                     "lsls r3, r3, #31\n"
                     "bne 2f\n"
                     "1:\n" BLOCK "2:\n" BLOCK "cmp r1, lr\n"
                     "bne 1b\n"
                     "stm r0, {r9-r12}\n"
                     "pop {r4-r11, lr}\n"
                     : "+r"(s)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}

#endif

/* Two outputs; `step` words lead from four taps to the next four. */
static void add_pair(const int8_t *x, int32_t depth, const int32_t *weights, int32_t step,
                     int32_t *pair)
{
    int32_t k;
    pair[0] = 0;
    pair[1] = 0;
    for (k = 0; k < depth; k++) {
        const uint32_t word = (uint32_t)weights[(k >> 2) * step + (k & 1)];
        const uint32_t half = word >> 8 * (k & 2);
        pair[0] += x[k] * (int16_t)(half & 0xffff);
        pair[1] += x[k] * (int8_t)(half & 0xff);
    }
}

#ifndef ASSEMBLY
static void add_quad(struct sums *s)
{
    add_pair(s->x, s->depth, s->weights, 4, s->pairs[0]);
    add_pair(s->x, s->depth, s->weights + 2, 4, s->pairs[1]);
}
#endif

/* Output `o` of a layer whose outputs share `multiplier` and `shift` >= 0. */
static inline void finish_alike(const struct eq_output *q, int32_t multiplier, int32_t shift,
                                int32_t sum, int32_t o, int8_t *y)
{
    const int32_t r = eq_multiply_high((sum + q->bias[o]) * 2, multiplier);
    const int32_t v = (((r + (r >> 31)) >> shift) + 1) >> 1;
    y[o] = (int8_t)eq_clamp(v + q->zero, q->min, q->max);
}

static void finish_pair(const struct eq_output *q, const int32_t *pair, int32_t o, int32_t outputs,
                        int8_t *y)
{
    y[o] = eq_finish(q, ((pair[0] - pair[1]) >> 8) + q->bias[o], o);
    if (o + 1 < outputs) {
        y[o + 1] = eq_finish(q, pair[1] + q->bias[o + 1], o + 1);
    }
}

static void dense_row(const struct eq_dense_quads *d, const int8_t *x, int8_t *y)
{
    const struct eq_output q = d->out;
    const int32_t multiplier = q.multiplier[0], shift = q.shift[0];
    const int alike = q.mask == 0 && shift >= 0;
    int32_t o;
    struct sums s;
    s.x = x;
    s.weights = d->weights;
    s.blocks = (d->depth + 3) >> 2;
    s.depth = d->depth;
    for (o = 0; o + 3 <= d->outputs; o += 4) {
        add_quad(&s);
        if (alike && o + 4 <= d->outputs) {
            finish_alike(&q, multiplier, shift, (s.pairs[0][0] - s.pairs[0][1]) >> 8, o, y);
            finish_alike(&q, multiplier, shift, s.pairs[0][1], o + 1, y);
            finish_alike(&q, multiplier, shift, (s.pairs[1][0] - s.pairs[1][1]) >> 8, o + 2, y);
            finish_alike(&q, multiplier, shift, s.pairs[1][1], o + 3, y);
        } else {
            finish_pair(&q, s.pairs[0], o, d->outputs, y);
            finish_pair(&q, s.pairs[1], o + 2, d->outputs, y);
        }
        s.weights += 4 * s.blocks;
    }
    if (o < d->outputs) {
        add_pair(x, d->depth, s.weights, 2, s.pairs[0]);
        finish_pair(&q, s.pairs[0], o, d->outputs, y);
    }
}

void eq_dense_quads(const struct eq_dense_quads *layer, const int8_t *x, int8_t *y)
{
    int32_t r;
    for (r = 0; r < layer->rows; r++) {
        dense_row(layer, x + r * layer->depth, y + r * layer->outputs);
    }
}
