/* Reset, faults and the vector table of a Cortex-M; see the Armv7-M manual, B1.5. */
#include <stdint.h>

#include "config.h"
#include "features.h"
#include "link.h"
#include "reg.h"
#include "timer.h"
#include "uart.h"

#define CPACR REG(0xE000ED88u)
#define CPACR_FPU_FULL_ACCESS (0xFu << 20)
#define FRAME_LR 5    /* words of the frame that an exception stacks */
#define FRAME_PC 6

extern uint32_t stack_bottom[], stack_top[];    /* of the linker script */
extern uint32_t data_load[], data_start[], data_end[], bss_start[], bss_end[];

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

void Reset_Handler(void)
{
    const uint32_t *from = data_load;
    /* First of all: the compiler may copy memory in vector registers. */
#if CORE_FPU || CORE_MVE
    CPACR |= CPACR_FPU_FULL_ACCESS;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    for (uint32_t *to = data_start; to < data_end;) {
        *to++ = *from++;
    }
    for (uint32_t *to = bss_start; to < bss_end;) {
        *to++ = 0;
    }
    uart_start();
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
