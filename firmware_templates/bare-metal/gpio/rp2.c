/* Pins of the RP2040 and RP2350 (data sheets, SIO and GPIO); clock/ has let them out of reset. */
#include "config.h"
#include "gpio.h"
#include "reg.h"

#define SIO 0xD0000000u
#ifdef CORE_CORTEX_M0PLUS
#define IO_BANK0 0x40014000u
#define PADS_BANK0 0x4001C000u
#define OUT_SET (SIO + 0x14u)
#define OUT_CLR (SIO + 0x18u)
#define OE_SET (SIO + 0x24u)
#define OE_CLR (SIO + 0x28u)
#else
#define IO_BANK0 0x40028000u
#define PADS_BANK0 0x40038000u
#define OUT_SET (SIO + 0x18u)
#define OUT_CLR (SIO + 0x20u)
#define OE_SET (SIO + 0x38u)
#define OE_CLR (SIO + 0x40u)
#endif
#define PIN_SIO 5u
#define PAD_4_MA_SCHMITT 0x12u
#define PAD_PULL_UP (1u << 3)
#define BIT (1u << GATE_PIN)

void gpio_start(void)
{
    REG(OUT_CLR) = BIT;
    gpio_write(GATE_OPEN_DRAIN);
    if (!GATE_OPEN_DRAIN) {
        REG(OE_SET) = BIT;
    }
    /* The RP2350 parts pad and pin until the pad is written: by then the pin is the gate's. */
    REG(IO_BANK0 + 4u + 8u * GATE_PIN) = PIN_SIO;
    REG(PADS_BANK0 + 4u + 4u * GATE_PIN) = PAD_4_MA_SCHMITT | GATE_OPEN_DRAIN * PAD_PULL_UP;
}

/* The chip has no open drain: there the output stays 0, and is driven or let go. */
void gpio_write(int level)
{
    if (GATE_OPEN_DRAIN) {
        REG(level != 0 ? OE_CLR : OE_SET) = BIT;
    } else {
        REG(level != 0 ? OUT_SET : OUT_CLR) = BIT;
    }
}
