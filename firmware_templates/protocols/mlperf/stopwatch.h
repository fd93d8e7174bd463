/* Time that never goes back, from a counter that may wrap. */
#ifndef STOPWATCH_H
#define STOPWATCH_H

#include <stdint.h>

/* Look at the counter: at least once in each of its turns. */
void stopwatch_look(void);

/* Look at it, and return the microseconds. */
uint64_t stopwatch_us(void);

#endif
