/* GPIO of the STM32F1 (RM0041, 7.2). Its outputs have no pull-up: an open drain needs one outside
   the chip. */
#include "config.h"
#include "gpio.h"
#include "reg.h"

#define RCC_APB2ENR 0x40021018u
#define PORT_ENABLE (1u << (2u + GATE_PORT))
#define GPIO (GATE_BASE + 0x400u * GATE_PORT)
#define CONFIGURATION (GPIO + 4u * (GATE_PIN / 8u))
#define SHIFT (4u * (GATE_PIN % 8u))
#define BSRR (GPIO + 0x10u)
#define OUTPUT_10MHZ 1u
#define OPEN_DRAIN 4u

void gpio_start(void)
{
    REG(RCC_APB2ENR) |= PORT_ENABLE;
    (void)REG(RCC_APB2ENR);    /* the port's clock runs two cycles later */
    gpio_write(GATE_OPEN_DRAIN);
    REG(CONFIGURATION) = (REG(CONFIGURATION) & ~(15u << SHIFT))
                         | (OUTPUT_10MHZ | GATE_OPEN_DRAIN * OPEN_DRAIN) << SHIFT;
}

void gpio_write(int level)
{
    REG(BSRR) = 1u << (level != 0 ? GATE_PIN : GATE_PIN + 16u);
}
