/* What each byte of codes stands for, as words of two int16. */
#ifndef EQ_CODED_TABLE_H
#define EQ_CODED_TABLE_H

#include "eq_codes.h"

/* words[i + 16 * j] = the halves that four bits i and j stand for. */
static inline void eq_fill_table(const uint32_t *halves, uint32_t *words)
{
    int32_t i, j;
    for (j = 0; j < 16; j++) {
        const uint32_t high = halves[j] << 16;
        for (i = 0; i < 16; i++) {
            *words++ = high | (halves[i] & 0xffff);
        }
    }
}

#endif
