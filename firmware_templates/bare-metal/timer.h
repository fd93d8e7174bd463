/* One file of timer/ implements this: COUNTERS counters of COUNTER_BITS bits. */
#ifndef TIMER_H
#define TIMER_H

#include <stdint.h>

void timer_start(void);
void timer_read(uint64_t *values);
void timer_tick(void);    /* the SysTick exception */

#endif
