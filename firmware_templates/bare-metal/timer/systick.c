/* SysTick, 24 bits down at the core's clock, widened to 64 bits by its exception. */
#include "config.h"
#include "reg.h"
#include "timer.h"

#define SYST_CSR REG(0xE000E010u)
#define SYST_RVR REG(0xE000E014u)
#define SYST_CVR REG(0xE000E018u)
#define RELOAD 0xFFFFFFu
#define CSR_ENABLE_TICK_CORE_CLOCK 7u

static volatile uint32_t wraps;

void timer_start(void)
{
    SYST_RVR = RELOAD;
    SYST_CVR = 0;
    SYST_CSR = CSR_ENABLE_TICK_CORE_CLOCK;
}

void timer_tick(void)
{
    wraps++;
}

void timer_read(uint64_t *values)
{
    uint32_t before, now;
    do {
        before = wraps;
        now = SYST_CVR;
    } while (before != wraps);
    values[0] = (uint64_t)before * (RELOAD + 1u) + (RELOAD - now);
}
