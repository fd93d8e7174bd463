/* The input's floats become int8 by the model's own scale and zero point. */
#include <string.h>

#include "config.h"
#include "task.h"

/* Beyond this many steps every zero point gives an end of int8. */
#define STEPS_MAX 512.0f

static int8_t input[INPUT_ELEMENTS];

/* A half goes away from zero; what is no number becomes the least one. */
static int8_t quantise(float value)
{
    float steps = value / INPUT_SCALE;
    if (!(steps > -STEPS_MAX)) {
        steps = -STEPS_MAX;
    } else if (steps > STEPS_MAX) {
        steps = STEPS_MAX;
    }
    int32_t whole = (int32_t)steps;
    const float rest = steps - (float)whole;
    whole += (rest >= 0.5f) - (rest <= -0.5f) + INPUT_ZERO_POINT;
    return (int8_t)(whole < -128 ? -128 : whole > 127 ? 127 : whole);
}

void input_take(uint8_t *bytes)
{
    for (uint32_t i = 0; i < INPUT_ELEMENTS; i++) {
        float value;
        memcpy(&value, bytes + sizeof value * i, sizeof value);
        input[i] = quantise(value);
    }
}

void input_give(const uint8_t *bytes)
{
    (void)bytes;
    memcpy(model_input(0), input, sizeof input);
}

void input_leave(uint8_t *bytes)
{
    (void)bytes;
}
