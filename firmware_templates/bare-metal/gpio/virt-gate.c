/* The gate of edgeq's virtual boards: one word, of which the board reports each edge. */
#include "config.h"
#include "gpio.h"
#include "reg.h"

void gpio_start(void)
{
    gpio_write(GATE_OPEN_DRAIN);
}

void gpio_write(int level)
{
    REG(GATE_BASE) = (uint32_t)level;
}
