#include "stack.h"

#include "platform.h"

#define PAINT 0xC5C5C5C5u
/* stack_paint spares this much below its own frame: its locals, and x86-64's red zone. */
#ifdef __arm__
#define SPARED_BYTES 64u
#else
#define SPARED_BYTES 256u
#endif

static uint32_t high_water;

static uint32_t depth(const uint32_t *deepest)
{
    return (uint32_t)((const uint8_t *)platform_stack_top() - (const uint8_t *)deepest);
}

void stack_reset(void)
{
    high_water = 0;
}

__attribute__((noinline)) void stack_paint(void)
{
    uintptr_t limit = (uintptr_t)__builtin_frame_address(0) - SPARED_BYTES;
    for (volatile uint32_t *word = platform_stack_bottom(); (uintptr_t)word < limit; word++) {
        *word = PAINT;
    }
}

void stack_measure(void)
{
    const uint32_t *word = platform_stack_bottom();
    while (word < platform_stack_top() && *word == PAINT) {
        word++;
    }
    if (depth(word) > high_water) {
        high_water = depth(word);
    }
}

uint32_t stack_high_water(void)
{
    return high_water;
}

uint32_t stack_reserved(void)
{
    return depth(platform_stack_bottom());
}
