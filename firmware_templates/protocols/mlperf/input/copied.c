/* The input's bytes are the model's. */
#include <string.h>

#include "config.h"
#include "task.h"

void input_take(uint8_t *bytes)
{
    (void)bytes;
}

void input_give(const uint8_t *bytes)
{
    memcpy(model_input(0), bytes, INPUT_BYTES);
}

void input_leave(uint8_t *bytes)
{
    (void)bytes;
}
