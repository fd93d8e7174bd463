#include "eq_dsp16_dense.h"
#include "eq_dsp.h"
#include "eq_dsp16_output.h"

/* Taps in fours of four outputs. The order is known to the assembly. */
struct quad {
    const int16_t *x;
    const int32_t *weights;
    int32_t fours;
    int32_t sums[4];
};

/* sum + four products. */
static inline int32_t add_four(const int16_t *x, int32_t weights, int32_t sum)
{
    sum = eq_dsp_smlad(eq_dsp16_two(x), eq_dsp_sxtb16(weights), sum);
    return eq_dsp_smlad(eq_dsp16_two(x + 2), eq_dsp_sxtb16_8(weights), sum);
}

#ifdef EQ_DSP_ASM

#define FOUR             \
    "ldr r3, [r1], #4\n" \
    "ldr r4, [r1], #4\n" \
    "ldm r2!, {r5-r8}\n" \
    OUTPUT("r5", "r9")   \
    OUTPUT("r6", "r10")  \
    OUTPUT("r7", "r11")  \
    OUTPUT("r8", "r12")
#define OUTPUT(w, sum)                 \
    "sxtb16 r0, " w "\n"               \
    "smlad " sum ", r3, r0, " sum "\n" \
    "sxtb16 " w ", " w ", ror #8\n"    \
    "smlad " sum ", r4, " w ", " sum "\n"

/* Sets the sums of at least four taps. */
static void sum_fours(struct quad *quad)
{
    register struct quad *p __asm__("r0") = quad;
    __asm__ volatile("push {r4-r11, lr}\n"
                     "ldm r0!, {r1-r3}\n"
                     "push {r0}\n"
                     "movs r9, #0\n"
                     "mov r10, r9\n"
                     "mov r11, r9\n"
                     "mov r12, r9\n"
                     "add lr, r1, r3, lsl #3\n"
                     "lsls r3, r3, #31\n"
                     "bne 2f\n"
                     "1:\n" FOUR "2:\n" FOUR "cmp r1, lr\n"
                     "bne 1b\n"
                     "pop {r0}\n"
                     "stm r0, {r9-r12}\n"
                     "pop {r4-r11, lr}\n"
                     : "+r"(p)
                     :
                     : "r1", "r2", "r3", "r12", "cc", "memory");
}

#else

static void sum_fours(struct quad *q)
{
    int32_t i, k;
    for (i = 0; i < 4; i++) {
        q->sums[i] = 0;
        for (k = 0; k < q->fours; k++) {
            q->sums[i] = add_four(q->x + 4 * k, q->weights[4 * k + i], q->sums[i]);
        }
    }
}

#endif

/* A row of the input: whole fours, and what is left of it with noughts behind. */
struct row {
    const int16_t *x;
    int32_t depth;
    int32_t chunk;
    int16_t rest[4];
};

static struct row make_row(const struct eq_dsp16_dense *d, const int16_t *x)
{
    struct row row;
    int32_t i;
    row.x = x;
    row.depth = d->depth;
    row.chunk = d->chunk;
    for (i = 0; i < 4; i++) {
        row.rest[i] = i < (d->depth & 3) ? x[(d->depth & ~3) + i] : 0;
    }
    return row;
}

static void add_sums(struct quad *q, int64_t *sums)
{
    int32_t i;
    sum_fours(q);
    for (i = 0; i < 4; i++) {
        sums[i] += q->sums[i];
    }
}

static void add_quad(const struct row *row, const int32_t *weights, int64_t *sums)
{
    struct quad q;
    int32_t left = row->depth >> 2;
    q.x = row->x;
    q.weights = weights;
    for (; left > 0; left -= q.fours) {
        q.fours = left < row->chunk >> 2 ? left : row->chunk >> 2;
        add_sums(&q, sums);
        q.x += 4 * q.fours;
        q.weights += 4 * q.fours;
    }
    if (row->depth & 3) {
        q.x = row->rest;
        q.fours = 1;
        add_sums(&q, sums);
    }
}

/* A single output. */
static int64_t sum_one(const struct row *row, const int32_t *weights)
{
    const int32_t fours = row->depth >> 2;
    int64_t total = 0;
    int32_t k = 0;
    while (k < fours) {
        const int32_t end = fours - k < row->chunk >> 2 ? fours : k + (row->chunk >> 2);
        int32_t sum = 0;
        for (; k < end; k++) {
            sum = add_four(row->x + 4 * k, weights[k], sum);
        }
        total += sum;
    }
    return row->depth & 3 ? total + add_four(row->rest, weights[k], 0) : total;
}

static void dense_row(const struct eq_dsp16_dense *d, const struct row *row, int16_t *y)
{
    const struct eq_int16_output *q = &d->out;
    const int32_t fours = (d->depth + 3) >> 2;
    const int32_t *weights = d->weights;
    int32_t o, i;
    for (o = 0; o + 4 <= d->outputs; o += 4) {
        int64_t sums[4];
        for (i = 0; i < 4; i++) {
            sums[i] = q->bias[o + i];
        }
        add_quad(row, weights, sums);
        for (i = 0; i < 4; i++) {
            y[o + i] = eq_int16_finish(q, sums[i], o + i);
        }
        weights += 4 * fours;
    }
    for (; o < d->outputs; o++) {
        y[o] = eq_int16_finish(q, q->bias[o] + sum_one(row, weights), o);
        weights += fours;
    }
}

void eq_dsp16_dense(const struct eq_dsp16_dense *layer, const int16_t *x, int16_t *y)
{
    int32_t r;
    for (r = 0; r < layer->rows; r++) {
        const struct row row = make_row(layer, x + r * layer->depth);
        dense_row(layer, &row, y + r * layer->outputs);
    }
}
