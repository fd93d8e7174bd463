/* Compiled without builtins: a compiler must not turn these loops into calls of themselves. */
#include "string.h"

#include <stdint.h>

#define WORD sizeof(uint32_t)

typedef uint32_t __attribute__((may_alias)) word;

static int aligned(const void *a, const void *b)
{
    return (((uintptr_t)a | (uintptr_t)b) & (WORD - 1u)) == 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if (aligned(d, s)) {
        for (; count >= WORD; count -= WORD, d += WORD, s += WORD) {
            *(word *)(void *)d = *(const word *)(const void *)s;
        }
    }
    while (count-- > 0) {
        *d++ = *s++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t count)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((uintptr_t)d - (uintptr_t)s >= count) {
        return memcpy(to, from, count);
    }
    while (count-- > 0) {
        d[count] = s[count];
    }
    return to;
}

void *memset(void *to, int value, size_t count)
{
    uint8_t *d = to;
    const uint32_t four = 0x01010101u * (uint8_t)value;
    if (aligned(d, d)) {
        for (; count >= WORD; count -= WORD, d += WORD) {
            *(word *)(void *)d = four;
        }
    }
    while (count-- > 0) {
        *d++ = (uint8_t)value;
    }
    return to;
}

size_t strlen(const char *text)
{
    size_t count = 0;
    while (text[count] != 0) {
        count++;
    }
    return count;
}
