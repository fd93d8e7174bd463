/* One file of clock/ implements this: the core's clock, the UART's clock and its pins. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

void clock_start(void);
uint32_t clock_uart_hz(void);    /* the frequency that the UART divides */

#endif
