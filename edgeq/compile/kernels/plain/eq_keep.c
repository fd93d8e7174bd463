#include <string.h>

#include "eq_keep.h"

/* Eight bytes at a time, each read whole before it is written: a rising walk may overlap. */
void eq_keep(const struct eq_keep *rows, const int8_t *from, int8_t *to)
{
    int32_t left;
    for (left = rows->bytes; left >= 8; left -= 8) {
        uint32_t word[2];
        memcpy(word, from, 8);
        memcpy(to, word, 8);
        from += 8;
        to += 8;
    }
    for (; left > 0; left--) {
        *to++ = *from++;
    }
}
