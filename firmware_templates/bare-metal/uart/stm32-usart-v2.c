/* USART and LPUART of the STM32F7, L4, H7 and later (RM0351, chapters 40 and 41). */
#include "clock.h"
#include "config.h"
#include "reg.h"
#include "uart.h"

#define CR1 REG(UART_BASE + 0x00u)
#define BRR REG(UART_BASE + 0x0Cu)
#define ISR REG(UART_BASE + 0x1Cu)
#define ICR REG(UART_BASE + 0x20u)
#define RDR REG(UART_BASE + 0x24u)
#define TDR REG(UART_BASE + 0x28u)
#define CR1_ENABLE (1u << 0 | 1u << 3 | 1u << 2)    /* unit, transmitter, receiver */
#define ISR_OVERRUN (1u << 3)
#define ISR_RXNE (1u << 5)
#define ISR_TC (1u << 6)
#define ISR_TXE (1u << 7)

/* LPUART1 of the L4 and of the H7 divides a clock 256 times as fast. */
#if UART_BASE == 0x40008000u || UART_BASE == 0x58000C00u
#define DIVIDER_SCALE 256u
#else
#define DIVIDER_SCALE 1u
#endif

void uart_start(void)
{
    /* In two parts, for 32 bits do not hold the scaled clock. */
    const uint32_t clock = clock_uart_hz();
    const uint32_t rest = DIVIDER_SCALE * (clock % UART_BAUD);
    BRR = DIVIDER_SCALE * (clock / UART_BAUD) + (rest + UART_BAUD / 2u) / UART_BAUD;
    CR1 = CR1_ENABLE;
}

int uart_poll(void)
{
    if ((ISR & ISR_RXNE) == 0) {
        ICR = ISR_OVERRUN;
        return -1;
    }
    return (int)(RDR & 0xFFu);
}

void uart_write(uint8_t byte)
{
    while ((ISR & ISR_TXE) == 0) {
    }
    TDR = byte;
}

void uart_drain(void)
{
    while ((ISR & ISR_TC) == 0) {
    }
}
