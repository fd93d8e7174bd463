#include "stopwatch.h"

#include "config.h"
#include "platform.h"

#define US 1000000u

static uint64_t last, ticks;

void stopwatch_look(void)
{
    uint64_t now[COUNTERS];
    platform_counters(now);
    ticks += (now[TIME_COUNTER] - last) & COUNTER_MASK;
    last = now[TIME_COUNTER];
}

uint64_t stopwatch_us(void)
{
    stopwatch_look();
    /* In two parts, for the ticks of a day times a million need more than 64 bits. */
    return ticks / COUNTER_HZ * US + ticks % COUNTER_HZ * US / COUNTER_HZ;
}
