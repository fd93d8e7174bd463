#include "eq_codes.h"

/* Weights are copied by twos and fours, wherever they lie. */
#if defined(__GNUC__)
typedef uint16_t two __attribute__((aligned(1), may_alias));
typedef uint32_t four __attribute__((aligned(1), may_alias));
#define COPY(type, to, from) (*(type *)(void *)(to) = *(const type *)(const void *)(from))
#define COPY_2(to, from) COPY(two, to, from)
#define COPY_4(to, from) COPY(four, to, from)
#else
#define COPY_2(to, from) ((to)[0] = (from)[0], (to)[1] = (from)[1])
#define COPY_4(to, from) (COPY_2(to, from), COPY_2((to) + 2, (from) + 2))
#endif

/* The weights of `count` whole bytes. */
static void decode_bytes(const uint8_t *codes, const int8_t *book, int32_t count, int32_t each,
                         int8_t *w)
{
    const uint8_t *const end = codes + count;
    if (each == 2) {
        for (; codes != end; w += 2) {
            const uint32_t byte = *codes++;
            w[0] = book[byte & 15];
            w[1] = book[byte >> 4];
        }
    } else if (each == 4) {
        for (; codes != end; w += 4) {
            const uint32_t byte = *codes++;
            COPY_2(w, book + 2 * (byte & 15));
            COPY_2(w + 2, book + 2 * (byte >> 4));
        }
    } else {
        for (; codes != end; w += 8) {
            const uint32_t byte = *codes++;
            COPY_4(w, book + 4 * (byte & 15));
            COPY_4(w + 4, book + 4 * (byte >> 4));
        }
    }
}

/* The weights that fill no byte: those of its first bits, by fours of them as in any other. */
static void decode_tail(const struct eq_codes *c, uint32_t byte, int8_t *w)
{
    const int32_t group = c->each >> 1;
    const int8_t *const low = c->book + group * (int32_t)(byte & 15);
    const int8_t *const high = c->book + group * (int32_t)(byte >> 4);
    int32_t i;
    for (i = 0; i < c->tail; i++) {
        w[i] = i < group ? low[i] : high[i - group];
    }
}

void eq_decode(const struct eq_codes *c, int32_t first, int32_t rows, int8_t *w)
{
    const int32_t whole = c->bytes * c->each;
    const uint8_t *codes;
    if (c->tail == 0) {
        decode_bytes(c->codes + first * c->bytes, c->book, rows * c->bytes, c->each, w);
        return;
    }
    codes = c->codes + first * (c->bytes + 1);
    for (; rows > 0; rows--) {
        decode_bytes(codes, c->book, c->bytes, c->each, w);
        decode_tail(c, codes[c->bytes], w + whole);
        codes += c->bytes + 1;
        w += whole + c->tail;
    }
}
