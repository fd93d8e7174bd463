/* The input's bytes are the model's. */
#include <string.h>

#include "config.h"
#include "task.h"

static uint8_t input[INPUT_BYTES];

void input_take(const uint8_t *bytes)
{
    memcpy(input, bytes, INPUT_BYTES);
}

void input_give(void)
{
    memcpy(model_input(0), input, INPUT_BYTES);
}
