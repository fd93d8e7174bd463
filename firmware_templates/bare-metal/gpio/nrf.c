/* GPIO of the nRF51 and nRF52 (nRF52840 product specification, GPIO). */
#include "config.h"
#include "gpio.h"
#include "reg.h"

#define GPIO (0x50000000u + 0x300u * GATE_PORT)
#define OUTSET (GPIO + 0x508u)
#define OUTCLR (GPIO + 0x50Cu)
#define PIN_CNF (GPIO + 0x700u + 4u * GATE_PIN)
#define CNF_OUTPUT 3u    /* and no input buffer */
#define CNF_PULL_UP (3u << 2)
#define CNF_OPEN_DRAIN (6u << 8)    /* drives a 0, lets go for a 1 */

void gpio_start(void)
{
    gpio_write(GATE_OPEN_DRAIN);
    REG(PIN_CNF) = CNF_OUTPUT | GATE_OPEN_DRAIN * (CNF_PULL_UP | CNF_OPEN_DRAIN);
}

void gpio_write(int level)
{
    REG(level != 0 ? OUTSET : OUTCLR) = 1u << GATE_PIN;
}
