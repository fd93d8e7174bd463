/* Reset, faults and the vector table of a Cortex-M; see the Armv7-M manual, B1.5. */
#include <stdint.h>

#include "clock.h"
#include "config.h"
#include "cortex.h"
#include "gpio.h"
#include "link.h"
#include "memory.h"
#include "reg.h"
#include "timer.h"
#include "uart.h"

#define CPACR REG(0xE000ED88u)
#define CPACR_FPU_FULL_ACCESS (0xFu << 20)
#define FRAME_LR 5    /* words of the frame that an exception stacks */
#define FRAME_PC 6

void Reset_Handler(void);
void fault(const uint32_t *frame);
void fault_entry(void);

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*handlers[15])(void);
} vectors = {
    stack_top,
    {Reset_Handler, fault_entry, fault_entry, fault_entry, fault_entry, fault_entry, fault_entry,
     fault_entry, fault_entry, fault_entry, fault_entry, fault_entry, fault_entry, fault_entry,
     timer_tick},
};

#define CCR REG(0xE000ED14u)
#define CCR_CACHES (3u << 16)
#define CCR_LOOPS (1u << 19) /* Armv8.1-M: the cache of low-overhead loops */

#ifdef CORE_CORTEX_M7
#define CCSIDR REG(0xE000ED80u)
#define CSSELR REG(0xE000ED84u)
#define ICIALLU REG(0xE000EF50u)
#define DCISW REG(0xE000EF60u)

/* Caches hold anything after reset: empty them, then turn them on (Cortex-M7 TRM, 5.3). */
static void caches_start(void)
{
    CSSELR = 0;
    const uint32_t sets = CCSIDR >> 13 & 0x7FFFu, ways = CCSIDR >> 3 & 0x3FFu;
    for (uint32_t set = 0; set <= sets; set++) {
        for (uint32_t way = 0; way <= ways; way++) {
            DCISW = way << 30 | set << 5;
        }
    }
    ICIALLU = 0;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
    CCR |= CCR_CACHES;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
}
#endif

void Reset_Handler(void)
{
    /* First of all: the compiler may copy memory in vector registers. */
#if CORE_FPU || CORE_MVE
    CPACR |= CPACR_FPU_FULL_ACCESS;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
#if CORE_MVE
    CCR |= CCR_LOOPS;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    memory_start();
    clock_start();
#ifdef CORE_CORTEX_M7
    caches_start();
#endif
    uart_start();
    gpio_start();
    timer_start();
    link_run();
    for (;;) {
    }
}

/* A stack that overflowed has no frame to read, and no room for a handler. */
void fault(const uint32_t *frame)
{
    if (frame >= stack_bottom && frame + FRAME_PC < stack_top) {
        link_fault(frame[FRAME_PC], frame[FRAME_LR]);
    } else {
        link_fault(0, 0);
    }
    for (;;) {
    }
}

__attribute__((naked)) void fault_entry(void)
{
    __asm__ volatile(
        "mov r0, sp\n\t"
        "ldr r1, =stack_top\n\t"
        "mov sp, r1\n\t"
        "ldr r1, =fault\n\t"
        "bx r1\n\t"
        ".pool");
}
