/* Reset and traps of a RISC-V core in machine mode. */
#include <stdint.h>

#include "clock.h"
#include "config.h"
#include "gpio.h"
#include "link.h"
#include "memory.h"
#include "timer.h"
#include "uart.h"

void Reset_Handler(void);
void start(void);
void trap(uint32_t pc, uint32_t ra);
void trap_entry(void);

__attribute__((naked, section(".vectors"), used)) void Reset_Handler(void)
{
    __asm__ volatile(
        "la sp, stack_top\n\t"
        "la t0, trap_entry\n\t"
        "csrw mtvec, t0\n\t"
        "j start");
}

__attribute__((used, noreturn)) void start(void)
{
    memory_start();
    clock_start();
    uart_start();
    gpio_start();
    timer_start();
    link_run();
    for (;;) {
    }
}

__attribute__((used, noreturn)) void trap(uint32_t pc, uint32_t ra)
{
    link_fault(pc, ra);
    for (;;) {
    }
}

/* The stack may be what failed: take it anew. */
__attribute__((naked, aligned(4), used)) void trap_entry(void)
{
    __asm__ volatile(
        "csrr a0, mepc\n\t"
        "mv a1, ra\n\t"
        "la sp, stack_top\n\t"
        "j trap");
}
