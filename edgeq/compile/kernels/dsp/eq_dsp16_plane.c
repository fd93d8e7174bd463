#include "eq_dsp16_plane.h"
#include "eq_dsp.h"

void eq_dsp16_clear(const struct eq_dsp16_plane *g, int16_t *planes, int32_t count)
{
    int32_t i;
    for (i = 0; i < count * g->elements; i++) {
        planes[i] = 0;
    }
}

void eq_dsp16_gather(const struct eq_dsp16_plane *g, const int16_t *x, int16_t *plane)
{
    int16_t *line = plane + g->first;
    int32_t i, j;
    for (i = 0; i < g->in_lines; i++) {
        const int16_t *from = x;
        for (j = 0; j < g->in_length; j++) {
            line[j] = *from;
            from += g->in_step;
        }
        x += g->in_line_step;
        line += g->pitch / 2;
    }
}

#ifdef EQ_DSP_ASM

/* Where two neighbouring channels come from, and go to. */
struct ends {
    const int16_t *x;
    int16_t *a, *b;
};

static inline void gather_one(struct ends *e, int32_t step)
{
    *e->a++ = e->x[0];
    *e->b++ = e->x[1];
    e->x += step;
}

/* Four elements of either channel, `step` bytes apart; a and b are aligned to words. */
static inline void gather_fours(struct ends *e, int32_t step, int32_t fours)
{
    int32_t p, q, r, s, t;
    __asm__ volatile("1:\n"
                     "ldr %0, [%5]\n"
                     "ldr %1, [%5, %9]\n"
                     "ldr %2, [%5, %9, lsl #1]\n"
                     "ldr %3, [%5, %10]\n"
                     "add %5, %5, %9, lsl #2\n"
                     "pkhtb %4, %1, %0, asr #16\n"
                     "pkhbt %0, %0, %1, lsl #16\n"
                     "pkhtb %1, %3, %2, asr #16\n"
                     "pkhbt %2, %2, %3, lsl #16\n"
                     "strd %0, %2, [%6], #8\n"
                     "strd %4, %1, [%7], #8\n"
                     "subs %8, %8, #1\n"
                     "bne 1b\n"
                     : "=&r"(p), "=&r"(q), "=&r"(r), "=&r"(s), "=&r"(t), "+&r"(e->x), "+&r"(e->a),
                       "+&r"(e->b), "+&r"(fours)
                     : "r"(step), "r"(3 * step)
                     : "cc", "memory");
}

void eq_dsp16_gather_pair(const struct eq_dsp16_plane *g, const int16_t *x, int16_t *planes)
{
    const int32_t first = g->first & 1;
    const int32_t fours = (g->in_length - first) >> 2, rest = (g->in_length - first) & 3;
    int16_t *line = planes + g->first;
    int32_t i, n;
    for (i = 0; i < g->in_lines; i++) {
        struct ends e = {x, line, line + g->elements};
        if (first) {
            gather_one(&e, g->in_step);
        }
        if (fours > 0) {
            gather_fours(&e, 2 * g->in_step, fours);
        }
        for (n = rest; n > 0; n--) {
            gather_one(&e, g->in_step);
        }
        x += g->in_line_step;
        line += g->pitch / 2;
    }
}

#else

void eq_dsp16_gather_pair(const struct eq_dsp16_plane *g, const int16_t *x, int16_t *planes)
{
    eq_dsp16_gather(g, x, planes);
    eq_dsp16_gather(g, x + 1, planes + g->elements);
}

#endif
