/* GPIO of the STM32 from the F2 on (RM0090, 8.4); clock/ gives the port its clock. */
#include "config.h"
#include "gpio.h"
#include "stm32.h"

#define GPIO (GATE_BASE + GPIO_PORT_STEP * GATE_PORT)
#define GPIO_OTYPER 0x04u
#define GPIO_BSRR 0x18u
#define MODE_OUTPUT 1u

void gpio_start(void)
{
    gpio_write(GATE_OPEN_DRAIN);
    set_field(GPIO + GPIO_OTYPER, GATE_PIN, 1u, GATE_OPEN_DRAIN);
    set_field(GPIO + GPIO_PUPDR, 2u * GATE_PIN, 3u, GATE_OPEN_DRAIN * PULL_UP);
    set_field(GPIO + GPIO_MODER, 2u * GATE_PIN, 3u, MODE_OUTPUT);
}

/* The upper half of the register resets what the lower one sets. */
void gpio_write(int level)
{
    REG(GPIO + GPIO_BSRR) = 1u << (level != 0 ? GATE_PIN : GATE_PIN + 16u);
}
