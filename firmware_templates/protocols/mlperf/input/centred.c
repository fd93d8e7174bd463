/* The input's bytes are 0 to 255, the model's -128 to 127: the highest bit differs. */
#include <string.h>

#include "config.h"
#include "task.h"

static uint8_t input[INPUT_ELEMENTS];

void input_take(const uint8_t *bytes)
{
    for (uint32_t i = 0; i < INPUT_ELEMENTS; i++) {
        input[i] = bytes[i] ^ 0x80u;
    }
}

void input_give(void)
{
    memcpy(model_input(0), input, INPUT_ELEMENTS);
}
