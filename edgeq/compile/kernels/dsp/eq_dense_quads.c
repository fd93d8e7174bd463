#include "eq_dense_quads.h"

/* A chunk of taps of four outputs. The order is known to the assembly. */
struct quad {
    const int8_t *x;
    const int32_t *weights;
    int32_t blocks;
    int32_t sums[4];
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

static void add_chunk(struct quad *quad)
{
    register struct quad *p __asm__("r0") = quad;
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
                     "ldm r0, {r1-r4}\n"
                     "sub r9, r9, r10\n"
                     "sub r11, r11, r12\n"
                     "add r1, r1, r9, asr #8\n"
                     "add r2, r2, r10\n"
                     "add r3, r3, r11, asr #8\n"
                     "add r4, r4, r12\n"
                     "stm r0, {r1-r4}\n"
                     "pop {r4-r11, lr}\n"
                     : "+r"(p)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}

#endif

/* The weights 256 * a + b of tap `k`; `step` words lead from four taps to the next four. */
static inline int32_t both_weights(const int32_t *weights, int32_t step, int32_t k)
{
    const uint32_t word = (uint32_t)weights[(k >> 2) * step + (k & 1)];
    return (int16_t)(word >> 8 * (k & 2) & 0xffff);
}

#ifndef ASSEMBLY
static void add_pair(const struct quad *q, const int32_t *weights, int32_t *sums)
{
    int32_t both_sum = 0, b_sum = 0, k;
    for (k = 0; k < q->depth; k++) {
        const int32_t both = both_weights(weights, 4, k);
        both_sum += q->x[k] * both;
        b_sum += q->x[k] * (int8_t)(both & 0xff);
    }
    sums[0] += (both_sum - b_sum) >> 8;
    sums[1] += b_sum;
}

static void add_chunk(struct quad *q)
{
    add_pair(q, q->weights, q->sums);
    add_pair(q, q->weights + 2, q->sums + 2);
}
#endif

/* The sum of one output of those that fill no quad: the second one of its pair is b. */
static int32_t sum_one(const int8_t *x, int32_t depth, const int32_t *weights, int second)
{
    int32_t sum = 0, k;
    for (k = 0; k < depth; k++) {
        const int32_t both = both_weights(weights, 2, k), b = (int8_t)(both & 0xff);
        sum += x[k] * (second ? b : (both - b) >> 8);
    }
    return sum;
}

/* Outputs that share `multiplier` and `shift` >= 0, before they are clamped. */
static void finish_alike(const struct eq_output *q, const int32_t *sums, int8_t *y)
{
    const int32_t multiplier = q->multiplier[0], shift = q->shift[0], zero = q->zero;
    int32_t i;
    for (i = 0; i < 4; i += 2) {
        const int32_t r = eq_multiply_high(sums[i] * 2, multiplier);
        const int32_t s = eq_multiply_high(sums[i + 1] * 2, multiplier);
        const int32_t v = ((((r + (r >> 31)) >> shift) + 1) >> 1) + zero;
        const int32_t w = ((((s + (s >> 31)) >> shift) + 1) >> 1) + zero;
        y[i] = (int8_t)eq_clamp(v, INT8_MIN, INT8_MAX);
        y[i + 1] = (int8_t)eq_clamp(w, INT8_MIN, INT8_MAX);
    }
}

static EQ_APART void finish_one(const struct eq_output *q, int32_t sum, int32_t o, int8_t *y)
{
    y[o] = eq_finish(q, sum, o);
}

static void clamp(const struct eq_output *q, int8_t *y, int32_t count)
{
    int32_t i;
    if (q->min > INT8_MIN || q->max < INT8_MAX) {
        for (i = 0; i < count; i++) {
            y[i] = (int8_t)eq_clamp(y[i], q->min, q->max);
        }
    }
}

/* Adds what is left of the depth after the first chunk. */
static void add_chunks(struct quad *first, int32_t depth)
{
    const int32_t chunk = first->depth;
    struct quad next = *first;
    int32_t i;
    while (depth > chunk) {
        depth -= chunk;
        next.x += chunk;
        next.weights += chunk; /* four words for each four taps */
        next.depth = depth < chunk ? depth : chunk;
        next.blocks = (next.depth + 3) >> 2;
        add_chunk(&next);
    }
    for (i = 0; i < 4; i++) {
        first->sums[i] = next.sums[i];
    }
}

void eq_quad_add(const int32_t *weights, const int8_t *x, int32_t depth, int32_t chunk,
                 int32_t *sums)
{
    struct quad quad;
    int32_t i;
    quad.x = x;
    quad.weights = weights;
    quad.depth = depth < chunk ? depth : chunk;
    quad.blocks = (quad.depth + 3) >> 2;
    for (i = 0; i < 4; i++) {
        quad.sums[i] = sums[i];
    }
    add_chunk(&quad);
    if (depth > chunk) {
        add_chunks(&quad, depth);
    }
    for (i = 0; i < 4; i++) {
        sums[i] = quad.sums[i];
    }
}

static void dense_row(const struct eq_dense_quads *d, const int8_t *x, int8_t *y)
{
    const struct eq_output q = d->out;
    const int alike = q.mask == 0 && q.shift[0] >= 0;
    const int32_t blocks = (d->depth + 3) >> 2;
    struct quad quad;
    int32_t o, i;
    quad.x = x;
    quad.weights = d->weights;
    quad.depth = d->depth < d->chunk ? d->depth : d->chunk;
    quad.blocks = (quad.depth + 3) >> 2;
    for (o = 0; o + 4 <= d->outputs; o += 4) {
        quad.sums[0] = q.bias[o];
        quad.sums[1] = q.bias[o + 1];
        quad.sums[2] = q.bias[o + 2];
        quad.sums[3] = q.bias[o + 3];
        add_chunk(&quad);
        if (d->depth > d->chunk) {
            add_chunks(&quad, d->depth);
        }
        if (alike) {
            finish_alike(&q, quad.sums, y + o);
        } else {
            for (i = 0; i < 4; i++) {
                finish_one(&q, quad.sums[i], o + i, y);
            }
        }
        quad.weights += 4 * blocks;
    }
    for (; o < d->outputs; o++) {
        const int32_t sum = sum_one(x, d->depth, quad.weights + (o & 2) * blocks, o & 1);
        finish_one(&q, sum + q.bias[o], o, y);
    }
    clamp(&q, y, d->outputs);
}

void eq_dense_quads(const struct eq_dense_quads *layer, const int8_t *x, int8_t *y)
{
    int32_t r;
    for (r = 0; r < layer->rows; r++) {
        dense_row(layer, x + r * layer->depth, y + r * layer->outputs);
    }
}
