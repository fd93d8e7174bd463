/* The regions that the linker script lays out. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdint.h>

extern uint32_t stack_bottom[], stack_top[];
extern uint32_t data_load[], data_start[], data_end[], bss_start[], bss_end[];

/* Give the variables their first values. */
static inline void memory_start(void)
{
    const uint32_t *from = data_load;
    for (uint32_t *to = data_start; to < data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = bss_start; to < bss_end;) {
        *to++ = 0;
    }
}

#endif
