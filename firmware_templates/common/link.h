/* The board's side of what it speaks with the host: one folder of protocols/ implements this. */
#ifndef LINK_H
#define LINK_H

#include <stdint.h>

/* Initialise the model, announce the board, and answer requests until the link ends. */
void link_run(void);

/* Called again and again while no byte of the host is there. */
void link_wait(void);

/* Report a fault of the processor. */
void link_fault(uint32_t pc, uint32_t lr);

#endif
