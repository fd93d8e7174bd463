#include "eq_dsp_matmul.h"

#include "eq_dsp_bytes.h"

/* The low halves, or the high ones, of two words. */
static inline int32_t low_halves(uint32_t first, uint32_t second)
{
    return (int32_t)((first & 0xffffu) | second << 16);
}

static inline int32_t high_halves(uint32_t first, uint32_t second)
{
    return (int32_t)(first >> 16 | (second & 0xffff0000u));
}

/* Four numbers of each of four neighbouring lines; less[2] is the zero point, twice. */
static void turn_fours(const int8_t *from, int32_t step, uint32_t minus, int32_t fours, int32_t *to)
{
    for (; fours > 0; fours--) {
        int32_t i;
        for (i = 0; i < 2; i++) {
            const uint32_t first = eq_load_four(from), second = eq_load_four(from + 2 * step);
            const uint32_t even = eq_add_even_bytes(minus, first);
            const uint32_t odd = eq_add_odd_bytes(minus, first);
            const uint32_t next_even = eq_add_even_bytes(minus, second);
            const uint32_t next_odd = eq_add_odd_bytes(minus, second);
            to[0] = low_halves(even, next_even);
            to[1] = low_halves(odd, next_odd);
            to[2] = high_halves(even, next_even);
            to[3] = high_halves(odd, next_odd);
            from += step;
            to += 4;
        }
        from += 2 * step;
    }
}

/* Four numbers of a line whose bytes lie side by side. */
static void widen_fours(const int8_t *from, uint32_t minus, int32_t fours, int32_t *to)
{
    for (; fours > 0; fours--) {
        const uint32_t four = eq_load_four(from);
        to[0] = (int32_t)eq_add_even_bytes(minus, four);
        to[4] = (int32_t)eq_add_odd_bytes(minus, four);
        from += 4;
        to += 8;
    }
}

static int32_t pair(const int8_t *from, int32_t second, int32_t zero)
{
    return eq_dsp_pair(from[0] - zero, from[second] - zero);
}

/* Fours of a line of any step, in the order of the others: numbers 0 and 2, then 1 and 3. */
static void gather_fours(const int8_t *from, int32_t step, int32_t zero, int32_t fours, int32_t *to)
{
    for (; fours > 0; fours--) {
        to[0] = pair(from, 2 * step, zero);
        to[4] = pair(from + step, 2 * step, zero);
        from += 4 * step;
        to += 8;
    }
}

/* What is left of a line, in pairs; a last one alone. */
static void gather_rest(const int8_t *from, int32_t step, int32_t zero, int32_t left, int32_t *to)
{
    for (; left > 1; left -= 2) {
        to[0] = pair(from, step, zero);
        from += 2 * step;
        to += 4;
    }
    if (left > 0) {
        to[0] = eq_dsp_pair(from[0] - zero, 0);
    }
}

/* Widens at most four lines from `first` on, less the zero point, to to[][4]. */
static void widen(const struct eq_dsp_lines *m, const int8_t *from, int32_t first, int32_t depth,
                  int32_t *to)
{
    const int32_t fours = depth >> 2, left = depth & 3;
    const int32_t lines = m->count - first < 4 ? m->count - first : 4;
    const uint32_t minus = (uint32_t)eq_dsp_pair(-m->zero, -m->zero);
    int32_t *const rest = to + 8 * fours;
    int32_t l, k;
    from += first * m->line;
    if (m->step != 1 && lines == 4) {
        turn_fours(from, m->step, minus, fours, to);
    }
    for (l = 0; l < lines; l++, from += m->line) {
        if (m->step == 1) {
            widen_fours(from, minus, fours, to + l);
        } else if (lines < 4) {
            gather_fours(from, m->step, m->zero, fours, to + l);
        }
        gather_rest(from + 4 * fours * m->step, m->step, m->zero, left, rest + l);
    }
    for (; l < 4; l++) {
        for (k = 0; k < 2 * fours + (left + 1) / 2; k++) {
            to[4 * k + l] = 0;
        }
    }
}

/* sums[4][2] of four lines and two, in words that are 16 bytes apart. */
static EQ_APART void tile(const int32_t *x, const int32_t *w, int32_t steps, int32_t *sums)
{
    const int32_t *const end = x + 4 * steps;
    int32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0, s4 = 0, s5 = 0, s6 = 0, s7 = 0;
    do {
        const int32_t a = w[0], b = w[1];
        s0 = eq_dsp_smlad(x[0], a, s0);
        s1 = eq_dsp_smlad(x[0], b, s1);
        s2 = eq_dsp_smlad(x[1], a, s2);
        s3 = eq_dsp_smlad(x[1], b, s3);
        s4 = eq_dsp_smlad(x[2], a, s4);
        s5 = eq_dsp_smlad(x[2], b, s5);
        s6 = eq_dsp_smlad(x[3], a, s6);
        s7 = eq_dsp_smlad(x[3], b, s7);
        x += 4;
        w += 4;
    } while (x != end);
    sums[0] = s0;
    sums[1] = s1;
    sums[2] = s2;
    sums[3] = s3;
    sums[4] = s4;
    sums[5] = s5;
    sums[6] = s6;
    sums[7] = s7;
}

/* The outputs of four lines of x from `row` on, and of those of w from `first` to before `end`. */
static void outputs(const struct eq_dsp_matmul *m, const int32_t *x, const int32_t *w, int32_t row,
                    int32_t first, int32_t end, int32_t steps, int8_t *y)
{
    const int32_t rows = m->x.count - row < 4 ? m->x.count - row : 4;
    int32_t column;
    for (column = first; column < end; column += 2) {
        const int32_t columns = end - column < 2 ? 1 : 2, at = column - first;
        int8_t *to = y + row * m->x.y + column * m->w.y;
        int32_t sums[8], i, j;
        tile(x, w + (at & ~3) * steps + (at & 2), steps, sums);
        for (i = 0; i < rows; i++, to += m->x.y) {
            for (j = 0; j < columns; j++) {
                to[j * m->w.y] = eq_dsp_finish(sums[2 * i + j], m->multiplier, m->shift, m->zero);
            }
        }
    }
}

/* One product of matrices, block by block. */
static void product(const struct eq_dsp_matmul *m, const int8_t *x, const int8_t *w, int32_t *four,
                    int8_t *y)
{
    const int32_t steps = 2 * (m->depth >> 2) + ((m->depth & 3) + 1) / 2;
    int32_t *const block = four + 4 * steps;
    int32_t first, row, i;
    for (first = 0; first < m->w.count; first += m->block) {
        const int32_t left = m->w.count - first, end = left < m->block ? left : m->block;
        for (i = 0; i < end; i += 4) {
            widen(&m->w, w, first + i, m->depth, block + i * steps);
        }
        for (row = 0; row < m->x.count; row += 4) {
            widen(&m->x, x, row, m->depth, four);
            outputs(m, four, block, row, first, first + end, steps, y);
        }
    }
}

void eq_dsp_matmul(const struct eq_dsp_matmul *layer, const int8_t *x, const int8_t *w,
                   int8_t *scratch, int8_t *y)
{
    const int32_t *const n = layer->size, *const p = layer->x_step, *const q = layer->w_step;
    int32_t i, j, k;
    for (i = 0; i < n[0]; i++) {
        for (j = 0; j < n[1]; j++) {
            for (k = 0; k < n[2]; k++) {
                product(layer, x + i * p[0] + j * p[1] + k * p[2],
                        w + i * q[0] + j * q[1] + k * q[2], (int32_t *)(void *)scratch, y);
                y += layer->matrix;
            }
        }
    }
}
