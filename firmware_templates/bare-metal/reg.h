/* Memory-mapped registers. */
#ifndef REG_H
#define REG_H

#include <stdint.h>

#define REG(address) (*(volatile uint32_t *)(uintptr_t)(address))

#endif
