/* The result is the model's outputs as real values. */
#include "config.h"
#include "task.h"
#include "text.h"

static float scores[OUTPUT_ELEMENTS];

void result_take(const uint8_t *bytes)
{
    const output_t *output = model_output(0);
    (void)bytes;
    for (uint32_t i = 0; i < OUTPUT_ELEMENTS; i++) {
        scores[i] = (float)(output[i] - OUTPUT_ZERO_POINT) * OUTPUT_SCALE;
    }
}

void result_send(void)
{
    text_send("m-results-[");
    for (uint32_t i = 0; i < OUTPUT_ELEMENTS; i++) {
        if (i > 0) {
            text_send(",");
        }
        text_score(scores[i]);
    }
    text_send("]\r\n");
}
