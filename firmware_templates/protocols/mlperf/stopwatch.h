/* Time that never goes back, from a counter that may wrap. */
#ifndef STOPWATCH_H
#define STOPWATCH_H

#include <stdint.h>

/* Microseconds; right for as long as it is asked at least once in a turn of the counter. */
uint64_t stopwatch_us(void);

#endif
