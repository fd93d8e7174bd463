#include "eq_coded_small.h"
#include "eq_small_finish.h"

/* acc[i] += the sum of x[k] * w[k][i] up to `end`, for codes that stand `each` to a byte: an input
   has two bytes of them, one, or half of one. */
static void add_inputs(const int8_t *x, const int8_t *end, const uint8_t *codes,
                       const int8_t *book, int32_t each, int32_t *acc)
{
    const int32_t bits = 8 / each, group = each / 2, mask = (1 << bits) - 1;
    int32_t at = 0, i;
    for (; x != end; x++) {
        for (i = 0; i < 4; i++, at += bits) {
            acc[i] += *x * book[(codes[at >> 3] >> (at & 7) & mask) * group];
        }
    }
}

/* The same for a number of inputs that is a multiple of four. */
#if defined(__thumb__) && !defined(__thumb2__) && defined(__GNUC__)
/* r0 codes, r1 inputs, r2 the book, r3 an input, r5 a byte of codes, r6 an index, r8..r11 the
   sums, r12 the end of the inputs. */
#define INPUT(at) "ldrb r3, [r1, #" #at "]\n sxtb r3, r3\n"
#define CODES(at) "ldrb r5, [r0, #" #at "]\n"
#define LOW(shift) "lsls r6, r5, #28\n lsrs r6, r6, #" #shift "\n"
#define HIGH(shift) "lsrs r6, r5, #4\n lsls r6, r6, #" #shift "\n"
#define ADD(sum) "ldrsb r4, [r2, r6]\n muls r4, r3, r4\n add " sum ", r4\n"
#define NEXT "adds r6, #1\n"
#define FOURS(at, first, second)                                                                  \
    INPUT(at) CODES(first) LOW(28) ADD("r8") "lsrs r6, r5, #4\n" ADD("r9")                        \
    CODES(second) LOW(28) ADD("r10") "lsrs r6, r5, #4\n" ADD("r11")
#define TWOS(at)                                                                                  \
    INPUT(at) CODES(at) LOW(27) ADD("r8") NEXT ADD("r9") HIGH(1) ADD("r10") NEXT ADD("r11")
#define ALL ADD("r8") NEXT ADD("r9") NEXT ADD("r10") NEXT ADD("r11")
#define ONES(at, next, byte) INPUT(at) CODES(byte) LOW(26) ALL INPUT(next) HIGH(2) ALL
#define LOOP(four, bytes)                                                                       \
    __asm__ volatile(".syntax unified\n mov r12, r3\n"                                            \
                     "ldmia r4!, {r3, r5, r6}\n ldr r4, [r4]\n"                                   \
                     "mov r8, r3\n mov r9, r5\n mov r10, r6\n mov r11, r4\n1:\n" four             \
                     "adds r0, #" #bytes "\n adds r1, #4\n cmp r1, r12\n bne 1b\n"                \
                     "mov r3, r8\n mov r4, r9\n mov r5, r10\n mov r6, r11\n"                      \
                     : "+l"(from), "+l"(input), "+l"(first), "+l"(second), "=&l"(third),          \
                       "=&l"(fourth)                                                              \
                     : "l"(table)                                                                 \
                     : "r8", "r9", "r10", "r11", "r12", "cc", "memory")

static void add_fours(const int8_t *x, const int8_t *end, const uint8_t *codes,
                      const int8_t *book, int32_t each, int32_t *acc)
{
    register uintptr_t from __asm__("r0") = (uintptr_t)codes;
    register uintptr_t input __asm__("r1") = (uintptr_t)x;
    register uintptr_t table __asm__("r2") = (uintptr_t)book;
    register uintptr_t first __asm__("r3") = (uintptr_t)end;
    register uintptr_t second __asm__("r4") = (uintptr_t)acc;
    register uintptr_t third __asm__("r5");
    register uintptr_t fourth __asm__("r6");
    if (each == 2) {
        LOOP(FOURS(0, 0, 1) FOURS(1, 2, 3) FOURS(2, 4, 5) FOURS(3, 6, 7), 8);
    } else if (each == 4) {
        LOOP(TWOS(0) TWOS(1) TWOS(2) TWOS(3), 4);
    } else {
        LOOP(ONES(0, 1, 0) ONES(2, 3, 1), 2);
    }
    acc[0] = (int32_t)first;
    acc[1] = (int32_t)second;
    acc[2] = (int32_t)third;
    acc[3] = (int32_t)fourth;
}
#else
static void add_fours(const int8_t *x, const int8_t *end, const uint8_t *codes,
                      const int8_t *book, int32_t each, int32_t *acc)
{
    int32_t a = acc[0], b = acc[1], c = acc[2], d = acc[3];
    if (each == 2) {
        for (; x != end; x++, codes += 2) {
            const uint32_t low = codes[0], high = codes[1];
            a += *x * book[low & 15];
            b += *x * book[low >> 4];
            c += *x * book[high & 15];
            d += *x * book[high >> 4];
        }
    } else if (each == 4) {
        for (; x != end; x++, codes++) {
            const int8_t *const low = book + 2 * (*codes & 15);
            const int8_t *const high = book + 2 * (*codes >> 4);
            a += *x * low[0];
            b += *x * low[1];
            c += *x * high[0];
            d += *x * high[1];
        }
    } else {
        for (; x != end; x += 2, codes++) {
            const int8_t *const low = book + 4 * (*codes & 15);
            const int8_t *const high = book + 4 * (*codes >> 4);
            a += x[0] * low[0] + x[1] * high[0];
            b += x[0] * low[1] + x[1] * high[1];
            c += x[0] * low[2] + x[1] * high[2];
            d += x[0] * low[3] + x[1] * high[3];
        }
    }
    acc[0] = a;
    acc[1] = b;
    acc[2] = c;
    acc[3] = d;
}
#endif

void eq_coded_small_row(const struct eq_coded_small_row *layer, const int8_t *x, int8_t *y)
{
    const struct eq_small_dense *const d = &layer->dense;
    const struct eq_codes c = layer->weights;
    const int32_t *const bias = d->scaling.bias ? d->scaling.bias : d->out.bias;
    const int32_t shared = d->scaling.bias && d->scaling.mask == 0, fours = d->depth & ~3;
    const int8_t *const end = x + fours;
    const uint8_t *codes = c.codes;
    struct eq_scale q;
    int32_t o, i;
    if (shared) {
        q = eq_scale_of(&d->scaling, 0);
    }
    for (o = 0; o < d->outputs; o += 4) {
        const int32_t left = d->outputs - o, count = left < 4 ? left : 4;
        int32_t acc[4] = {0, 0, 0, 0};
        for (i = 0; i < count; i++) {
            acc[i] = bias[o + i];
        }
        if (fours) {
            add_fours(x, end, codes, c.book, c.each, acc);
        }
        add_inputs(end, x + d->depth, codes + 4 * fours / c.each, c.book, c.each, acc);
        eq_small_finish(d, shared ? &q : 0, o, count, acc, y + o);
        codes += c.bytes + (c.tail != 0);
    }
}
