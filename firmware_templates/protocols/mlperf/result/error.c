/* The result is how far the model's outputs are from its inputs: the mean of the squares. */
#include <string.h>

#include "config.h"
#include "task.h"
#include "text.h"

static float error;

/* Each step in a statement of its own: no compiler may join the product and the sum. */
void result_take(const uint8_t *bytes)
{
    const output_t *output = model_output(0);
    float sum = 0.0f;
    for (uint32_t i = 0; i < OUTPUT_ELEMENTS; i++) {
        float wanted;
        memcpy(&wanted, bytes + sizeof wanted * i, sizeof wanted);
        const float given = (float)(output[i] - OUTPUT_ZERO_POINT) * OUTPUT_SCALE;
        const float difference = given - wanted;
        const float square = difference * difference;
        sum += square;
    }
    error = sum / (float)OUTPUT_ELEMENTS;
}

void result_send(void)
{
    text_send("m-results-[");
    text_score(error);
    text_send("]\r\n");
}
