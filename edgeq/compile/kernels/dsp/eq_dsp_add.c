#include "eq_dsp_add.h"

EQ_DSP_INLINE int8_t sum(const struct eq_dsp_add *p, int32_t plain, int32_t scaled)
{
    const int32_t other = eq_dsp_scale(scaled * p->scaled_factor + p->scaled_offset,
                                       p->scaled_multiplier, p->scaled_shift);
    return eq_dsp_finish(plain * p->plain_factor + p->plain_offset + p->sign * other,
                         p->multiplier, p->shift, p->zero);
}

static void add_row(const void *layer, const int8_t *plain, int32_t plain_step,
                    const int8_t *scaled, int32_t scaled_step, int8_t *y, int32_t count)
{
    const struct eq_dsp_add p = *(const struct eq_dsp_add *)layer;
    const int8_t *const end = y + count;
    for (; y != end; plain += plain_step, scaled += scaled_step) {
        *y++ = sum(&p, *plain, *scaled);
    }
    eq_dsp_limit(y - count, count, p.min, p.max);
}

static void look_up_row(const void *layer, const int8_t *plain, int32_t plain_step,
                        const int8_t *scaled, int32_t scaled_step, int8_t *y, int32_t count)
{
    const struct eq_dsp_add_table t = *(const struct eq_dsp_add_table *)layer;
    const int8_t *const middle = t.table + 128, *const end = y + count;
    for (; y != end; plain += plain_step, scaled += scaled_step) {
        *y++ = middle[sum(&t.add, *plain, *scaled)];
    }
}

void eq_dsp_add(const struct eq_dsp_add *layer, const int8_t *plain, const int8_t *scaled,
                int8_t *y)
{
    eq_broadcast(&layer->loops, add_row, layer, plain, scaled, y);
}

void eq_dsp_add_table(const struct eq_dsp_add_table *layer, const int8_t *plain,
                      const int8_t *scaled, int8_t *y)
{
    eq_broadcast(&layer->add.loops, look_up_row, layer, plain, scaled, y);
}
