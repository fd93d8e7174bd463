/* TIMER0 of the nRF51 and nRF52: 32 bits at 16 MHz. */
#include "config.h"
#include "reg.h"
#include "timer.h"

#define START REG(TIMER_BASE + 0x000u)
#define CLEAR REG(TIMER_BASE + 0x00Cu)
#define CAPTURE0 REG(TIMER_BASE + 0x040u)
#define MODE REG(TIMER_BASE + 0x504u)
#define BIT_MODE REG(TIMER_BASE + 0x508u)
#define PRESCALER REG(TIMER_BASE + 0x510u)
#define CC0 REG(TIMER_BASE + 0x540u)
#define MODE_TIMER 0u
#define BIT_MODE_32 3u

void timer_start(void)
{
    MODE = MODE_TIMER;
    BIT_MODE = BIT_MODE_32;
    PRESCALER = 0;
    CLEAR = 1;
    START = 1;
}

void timer_read(uint64_t *values)
{
    CAPTURE0 = 1;
    values[0] = CC0;
}

void timer_tick(void)
{
}
