#include "eq_small_dense.h"

#include "eq_small_finish.h"

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
#define INPUT(x, a, b, c, d)                                                                      \
    "ldrsb r3, [%[" #x "], %[k]]\n" ONE(a, "r8") ONE(b, "r9") ONE(c, "r10") ONE(d, "r11")

static inline const uint8_t *add_fours(const int8_t *x, const uint8_t *w, int32_t depth,
                                       int32_t *acc)
{
    const int8_t *const end = x + depth;
    int32_t k = -depth;
    if (depth == 0) {
        return w;
    }
    __asm__ volatile(
        ".syntax unified\n"
        "ldr r3, [%[acc]]\n mov r8, r3\n ldr r3, [%[acc], #4]\n mov r9, r3\n"
        "ldr r3, [%[acc], #8]\n mov r10, r3\n ldr r3, [%[acc], #12]\n mov r11, r3\n"
        "1:\n" INPUT(even, 0, 1, 2, 3) INPUT(odd, 4, 5, 6, 7) "adds %[k], #2\n"
        INPUT(even, 8, 9, 10, 11) INPUT(odd, 12, 13, 14, 15)
        "adds %[w], #16\n adds %[k], #2\n bne 1b\n"
        "mov r3, r8\n str r3, [%[acc]]\n mov r3, r9\n str r3, [%[acc], #4]\n"
        "mov r3, r10\n str r3, [%[acc], #8]\n mov r3, r11\n str r3, [%[acc], #12]\n"
        : [w] "+&l"(w), [k] "+&l"(k)
        : [even] "l"(end), [odd] "l"(end + 1), [acc] "l"(acc)
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

/* `q` is the scale that all outputs share, or null. */
static void dense_row(const struct eq_small_dense *d, const struct eq_scale *q, const int8_t *x,
                      int8_t *y)
{
    const int32_t surplus = 128 * sum_of(x, d->depth), fours = d->depth & ~3;
    const int32_t *const bias = d->scaling.bias ? d->scaling.bias : d->out.bias;
    const uint8_t *w = d->weights;
    int32_t o, i;
    for (o = 0; o < d->outputs; o += 4) {
        const int32_t count = d->outputs - o < 4 ? d->outputs - o : 4;
        int32_t acc[4] = {-surplus, -surplus, -surplus, -surplus};
        for (i = 0; i < count; i++) {
            acc[i] += bias[o + i];
        }
        w = add_fours(x, w, fours, acc);
        if (fours != d->depth) {
            w = add_products(x + fours, w, d->depth - fours, acc);
        }
        eq_small_finish(d, q, o, count, acc, y + o);
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
        dense_row(layer, shared ? &q : 0, x + r * layer->depth, y + r * layer->outputs);
    }
}
