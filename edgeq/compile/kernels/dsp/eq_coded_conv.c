#include "eq_coded_conv.h"

#include "eq_coded_table.h"
#define TABLE 1024

static void fill_table(const struct eq_codes *w, int8_t *table)
{
    uint32_t halves[16];
    int32_t i;
    for (i = 0; i < 16; i++) {
        const int8_t *const pair = w->book + 2 * i;
        halves[i] = (uint32_t)(w->each == 2 ? w->book[i] : 256 * pair[1] + (uint8_t)pair[0]);
    }
    eq_fill_table(halves, (uint32_t *)(void *)table);
}

static void make_tile(const struct eq_dsp_conv *conv, const int32_t *x, int32_t pixels, int8_t *y)
{
    const struct eq_coded_conv *const layer = (const struct eq_coded_conv *)(const void *)conv;
    const struct eq_codes *const w = &layer->weights;
    const struct eq_dsp_matrix *const m = &conv->matrix;
    const struct eq_coded_tile tile = {
        y,
        m->zero,
        m->outputs,
        x,
        w->each == 8 ? w->book : (const int8_t *)x - TABLE,
        x + 4 * m->steps,
        layer->rest + 5 * ((m->outputs + 1) / 2),
        w->codes,
        layer->rest,
    };
    layer->make(&tile, pixels);
    eq_dsp_limit(y, pixels * m->outputs, m->min, m->max);
}

#define EQ_DSP_MAKE_TILE make_tile
#include "eq_dsp_windows.h"

void eq_coded_conv(const struct eq_coded_conv *layer, const int8_t *x, int8_t *scratch, int8_t *y)
{
    int32_t *wide;
    int32_t i;
    if (layer->weights.each != 8) {
        fill_table(&layer->weights, scratch);
        scratch += TABLE;
    }
    wide = (int32_t *)(void *)scratch;
    for (i = 4 * layer->used; i < 4 * layer->conv.matrix.steps; i++) {
        wide[i] = 0; /* steps of nothing */
    }
    eq_dsp_windows(&layer->conv, x, scratch, y);
}
