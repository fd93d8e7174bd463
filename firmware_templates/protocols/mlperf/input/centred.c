/* The input's bytes are 0 to 255, the model's -128 to 127: the highest bit differs. */
#include <string.h>

#include "config.h"
#include "task.h"

static void flip(uint8_t *bytes)
{
    for (uint32_t i = 0; i < INPUT_BYTES; i++) {
        bytes[i] ^= 0x80u;
    }
}

void input_take(uint8_t *bytes)
{
    flip(bytes);
}

void input_give(const uint8_t *bytes)
{
    memcpy(model_input(0), bytes, INPUT_BYTES);
}

void input_leave(uint8_t *bytes)
{
    flip(bytes);
}
