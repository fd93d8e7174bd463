/* GPIO of the Stellaris LM3S (data sheet, General-Purpose I/O); GATE_BASE is the port's. */
#include "config.h"
#include "gpio.h"
#include "reg.h"

#define RCGC2 0x400FE108u
#define DATA (GATE_BASE + (4u << GATE_PIN))    /* the address says which bits are written */
#define DIR (GATE_BASE + 0x400u)
#define ODR (GATE_BASE + 0x50Cu)
#define PUR (GATE_BASE + 0x510u)
#define DEN (GATE_BASE + 0x51Cu)
#define BIT (1u << GATE_PIN)

void gpio_start(void)
{
    REG(RCGC2) |= 1u << GATE_PORT;
    (void)REG(RCGC2);    /* the port's clock runs three cycles later */
    (void)REG(RCGC2);
    REG(DIR) |= BIT;
    gpio_write(GATE_OPEN_DRAIN);
    REG(ODR) |= GATE_OPEN_DRAIN * BIT;
    REG(PUR) |= GATE_OPEN_DRAIN * BIT;
    REG(DEN) |= BIT;
}

void gpio_write(int level)
{
    REG(DATA) = level != 0 ? BIT : 0u;
}
