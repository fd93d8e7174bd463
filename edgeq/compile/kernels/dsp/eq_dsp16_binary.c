#include "eq_dsp16_binary.h"
#include "eq_dsp.h"

/* A row of outputs, and where its operands step. */
struct row {
    const int16_t *a, *b;
    int32_t a_step, b_step;
    int16_t *y, *end;
};

/* Makes a row, which is then clamped. */
typedef void row_function(const void *layer, const struct row *row);

static inline int32_t scaled(const struct eq_dsp16_factor *f, int32_t v)
{
#ifdef EQ_DSP_ASM
    __asm__("smmlar %0, %0, %1, %0\n\t"
            "add %0, %0, %0, asr #31\n\t"
            "asrs %0, %0, %2\n\t"
            "adc %0, %0, #0"
            : "+&r"(v)
            : "r"(f->multiplier), "r"(f->shift)
            : "cc");
    return v;
#else
    const int64_t product = (int64_t)v * (((int64_t)1 << 32) + f->multiplier);
    int32_t r = (int32_t)((product + ((int64_t)1 << 31)) >> 32);
    r += r >> 31;
    return ((r >> (f->shift - 1)) + 1) >> 1;
#endif
}

static void add(const void *layer, const struct row *row)
{
    const struct eq_dsp16_sum sum = *(const struct eq_dsp16_sum *)layer;
    const int32_t a_step = row->a_step, b_step = row->b_step;
    const int16_t *a = row->a, *b = row->b, *const end = row->end;
    int16_t *y;
    for (y = row->y; y != end; y++, a += a_step, b += b_step) {
        const int32_t v = scaled(&sum.b_factor, *b * 32768) * sum.b_sign + *a * sum.a_factor;
        *y = (int16_t)eq_clamp(scaled(&sum.out.factor, v), INT16_MIN, INT16_MAX);
    }
}

static void multiply(const void *layer, const struct row *row)
{
    const struct eq_dsp16_product product = *(const struct eq_dsp16_product *)layer;
    const int32_t a_step = row->a_step, b_step = row->b_step;
    const int16_t *a = row->a, *b = row->b, *const end = row->end;
    int16_t *y;
    for (y = row->y; y != end; y++, a += a_step, b += b_step) {
        const int32_t v = scaled(&product.out.factor, *a * *b);
        *y = (int16_t)eq_clamp(v, INT16_MIN, INT16_MAX);
    }
}

static void clamp(const struct eq_dsp16_result *out, int16_t *y, const int16_t *end)
{
    const int32_t min = out->min, max = out->max;
    if (min > INT16_MIN || max < INT16_MAX) {
        for (; y != end; y++) {
            *y = (int16_t)eq_clamp(*y, min, max);
        }
    }
}

static void broadcast(const struct eq_broadcast *loops, const struct eq_dsp16_result *out,
                      row_function *make, const void *layer, struct row row)
{
    const int32_t *const n = loops->size, *const p = loops->a_step, *const q = loops->b_step;
    const int16_t *const a = row.a, *const b = row.b;
    int32_t i, j, k;
    row.a_step = p[3];
    row.b_step = q[3];
    for (i = 0; i < n[0]; i++) {
        for (j = 0; j < n[1]; j++) {
            for (k = 0; k < n[2]; k++) {
                row.a = a + i * p[0] + j * p[1] + k * p[2];
                row.b = b + i * q[0] + j * q[1] + k * q[2];
                row.end = row.y + n[3];
                make(layer, &row);
                clamp(out, row.y, row.end);
                row.y = row.end;
            }
        }
    }
}

void eq_dsp16_sum(const struct eq_dsp16_sum *layer, const int16_t *a, const int16_t *b, int16_t *y)
{
    const struct row row = {a, b, 0, 0, y, y};
    broadcast(&layer->loops, &layer->out, add, layer, row);
}

void eq_dsp16_product(const struct eq_dsp16_product *layer, const int16_t *a, const int16_t *b,
                      int16_t *y)
{
    const struct row row = {a, b, 0, 0, y, y};
    broadcast(&layer->loops, &layer->out, multiply, layer, row);
}
