#include "eq_small_dense.h"

/* acc[i] += the sum of x[k] * w[k][i]; returns the weights that follow. */
static inline const uint8_t *add_products(const int8_t *x, const uint8_t *w, int32_t depth,
                                          int32_t *acc)
{
    const int8_t *const end = x + depth;
    for (; x != end; x++) {
        acc[0] += *x * w[0];
        acc[1] += *x * w[1];
        acc[2] += *x * w[2];
        acc[3] += *x * w[3];
        w += 4;
    }
    return w;
}

/* The same for a depth that is a multiple of four. */
#if defined(__thumb__) && !defined(__thumb2__) && defined(__GNUC__)
#define ONE(at, acc) "ldrb r4, [%[w], #" #at "]\n muls r4, r3, r4\n add " acc ", r4\n"
#define INPUT(a, b, c, d)                                                                         \
    "ldrsb r3, [%[x], %[k]]\n" ONE(a, "r8") ONE(b, "r9") ONE(c, "r10") ONE(d, "r11")              \
    "adds %[k], #1\n"

static inline const uint8_t *add_fours(const int8_t *x, const uint8_t *w, int32_t depth,
                                       int32_t *acc)
{
    const int8_t *const end = x + depth;
    int32_t k = -depth;
    if (depth == 0) {
        return w;
    }
    __asm__(".syntax unified\n"
            "ldr r3, [%[acc]]\n mov r8, r3\n ldr r3, [%[acc], #4]\n mov r9, r3\n"
            "ldr r3, [%[acc], #8]\n mov r10, r3\n ldr r3, [%[acc], #12]\n mov r11, r3\n"
            "1:\n" INPUT(0, 1, 2, 3) INPUT(4, 5, 6, 7) INPUT(8, 9, 10, 11)
            "ldrsb r3, [%[x], %[k]]\n" ONE(12, "r8") ONE(13, "r9") ONE(14, "r10") ONE(15, "r11")
            "adds %[w], #16\n adds %[k], #1\n bne 1b\n"
            "mov r3, r8\n str r3, [%[acc]]\n mov r3, r9\n str r3, [%[acc], #4]\n"
            "mov r3, r10\n str r3, [%[acc], #8]\n mov r3, r11\n str r3, [%[acc], #12]\n"
            : [w] "+l"(w), [k] "+l"(k)
            : [x] "l"(end), [acc] "l"(acc)
            : "r3", "r4", "r8", "r9", "r10", "r11", "cc", "memory");
    return w;
}
#else
static inline const uint8_t *add_fours(const int8_t *x, const uint8_t *w, int32_t depth,
                                       int32_t *acc)
{
    const int8_t *const end = x + depth;
    int32_t a = acc[0], b = acc[1], c = acc[2], d = acc[3];
    for (; x != end; x += 4) {
        const int32_t x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];
        a += x0 * w[0] + x1 * w[4] + x2 * w[8] + x3 * w[12];
        b += x0 * w[1] + x1 * w[5] + x2 * w[9] + x3 * w[13];
        c += x0 * w[2] + x1 * w[6] + x2 * w[10] + x3 * w[14];
        d += x0 * w[3] + x1 * w[7] + x2 * w[11] + x3 * w[15];
        w += 16;
    }
    acc[0] = a;
    acc[1] = b;
    acc[2] = c;
    acc[3] = d;
    return w;
}
#endif

static int32_t sum_of(const int8_t *x, int32_t count)
{
    int32_t sum = 0, k;
    for (k = 0; k < count; k++) {
        sum += x[k];
    }
    return sum;
}

/* The bias of up to four outputs; the weights that fill them up have none. */
static void begin(const struct eq_small_dense *d, int32_t o, int32_t surplus, int32_t *acc)
{
    const int32_t *const bias = d->scaling.bias ? d->scaling.bias : d->out.bias;
    int32_t i;
    for (i = 0; i < 4; i++) {
        acc[i] = (o + i < d->outputs ? bias[o + i] : 0) - surplus;
    }
}

/* Finishes four accumulators with `q`, where all outputs share it, or each with its own. */
static void finish(const struct eq_small_dense *d, const struct eq_scale *q, int32_t o,
                   int32_t *acc, int8_t *y)
{
    const int32_t count = d->outputs - o < 4 ? d->outputs - o : 4;
    int32_t i;
    if (q) {
        eq_scale_four(q, acc);
    }
    for (i = 0; i < count; i++) {
        if (!d->scaling.bias) {
            acc[i] = eq_finish(&d->out, acc[i], o + i);
        } else if (!q) {
            const struct eq_scale own = eq_scale_of(&d->scaling, o + i);
            acc[i] = eq_scaled(&own, acc[i]);
        }
        y[i] = (int8_t)acc[i];
    }
}

static void dense_row(const struct eq_small_dense *d, const struct eq_scale *q, const int8_t *x,
                      int8_t *y)
{
    const int32_t surplus = 128 * sum_of(x, d->depth), fours = d->depth & ~3;
    const uint8_t *w = d->weights;
    int32_t o;
    for (o = 0; o < d->outputs; o += 4) {
        int32_t acc[4];
        begin(d, o, surplus, acc);
        w = add_fours(x, w, fours, acc);
        w = add_products(x + fours, w, d->depth - fours, acc);
        finish(d, q, o, acc, y + o);
    }
}

void eq_small_dense(const struct eq_small_dense *layer, const int8_t *x, int8_t *y)
{
    const int shared = layer->scaling.bias && layer->scaling.mask == 0;
    struct eq_scale q;
    int32_t r;
    if (shared) {
        q = eq_scale_of(&layer->scaling, 0);
    }
    for (r = 0; r < layer->rows; r++) {
        dense_row(layer, shared ? &q : 0, x, y);
        x += layer->depth;
        y += layer->outputs;
    }
}
