/* One file of uart/ implements this: polled, 8 data bits, no parity. */
#ifndef UART_H
#define UART_H

#include <stdint.h>

void uart_start(void);
int uart_poll(void);    /* the byte that has come, -1 for none */
void uart_write(uint8_t byte);
void uart_drain(void);    /* waits until the last byte is out */

#endif
