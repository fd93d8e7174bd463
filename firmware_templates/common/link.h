/* The board's side of the link protocol (docs/link-protocol.md of edgeq). */
#ifndef LINK_H
#define LINK_H

#include <stdint.h>

/* Initialise the model, announce the board, and answer requests until the link ends. */
void link_run(void);

/* Report a fault of the processor (ERROR 7) for the request in work. */
void link_fault(uint32_t pc, uint32_t lr);

#endif
