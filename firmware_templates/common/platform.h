/* What the link needs from the ground it runs on: bytes, counters and the stack. */
#ifndef PLATFORM_H
#define PLATFORM_H

#include <stddef.h>
#include <stdint.h>

/* Return the next byte of the link, waiting for it; -1 when the link has ended for ever. */
int platform_read(void);
void platform_write(const uint8_t *data, size_t count);
void platform_flush(void);

/* Read all counters (COUNTERS of config.h) at one moment. */
void platform_counters(uint64_t *values);

/* Drive the output that tells a meter of inferences: 1 high or let go, 0 low. Nothing happens on a
   board without one. */
void platform_gate(int level);

/* The stack that the inference runs on: lowest word, and one past the highest. */
uint32_t *platform_stack_bottom(void);
uint32_t *platform_stack_top(void);

#endif
