/* Memory-mapped registers. */
#ifndef REG_H
#define REG_H

#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))
#define REG8(address) (*(volatile uint8_t *)(uintptr_t)(address))

/* Wait until the bits of `mask` read `value`; give up in the end, for an emulator or a fault may
   never show it. */
static inline void reg_wait(uintptr_t address, uint32_t mask, uint32_t value)
{
    for (uint32_t tries = 200000u; tries > 0 && (REG(address) & mask) != value; tries--) {
    }
}

#endif
