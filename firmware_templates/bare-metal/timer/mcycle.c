/* The cycle counter of a RISC-V core (privileged architecture, 3.1.10). */
#include "timer.h"

#define READ_CSR(name, value) __asm__ volatile("csrr %0, " name : "=r"(value))

void timer_start(void)
{
}

void timer_read(uint64_t *values)
{
#if __riscv_xlen == 32
    uint32_t before, low, high;
    do {
        READ_CSR("mcycleh", before);
        READ_CSR("mcycle", low);
        READ_CSR("mcycleh", high);
    } while (before != high);
    values[0] = (uint64_t)high << 32 | low;
#else
    READ_CSR("mcycle", values[0]);
#endif
}

void timer_tick(void)
{
}
