/* USART of the STM32F1 and F4 (RM0090, 30.6). */
#include "clock.h"
#include "config.h"
#include "reg.h"
#include "uart.h"

#define SR REG(UART_BASE + 0x00u)
#define DR REG(UART_BASE + 0x04u)
#define BRR REG(UART_BASE + 0x08u)
#define CR1 REG(UART_BASE + 0x0Cu)
#define SR_RXNE (1u << 5)
#define SR_TC (1u << 6)
#define SR_TXE (1u << 7)
#define CR1_ENABLE (1u << 13 | 1u << 3 | 1u << 2)    /* unit, transmitter, receiver */

void uart_start(void)
{
    BRR = (clock_uart_hz() + UART_BAUD / 2u) / UART_BAUD;
    CR1 = CR1_ENABLE;
}

/* Reading SR and then DR clears an overrun too. */
int uart_poll(void)
{
    return (SR & SR_RXNE) != 0 ? (int)(DR & 0xFFu) : -1;
}

void uart_write(uint8_t byte)
{
    while ((SR & SR_TXE) == 0) {
    }
    DR = byte;
}

void uart_drain(void)
{
    while ((SR & SR_TC) == 0) {
    }
}
