/* National 16550A, registers of one byte. */
#include "clock.h"
#include "config.h"
#include "reg.h"
#include "uart.h"

#define DATA REG8(UART_BASE + 0u)
#define DIVIDER_LOW REG8(UART_BASE + 0u)
#define DIVIDER_HIGH REG8(UART_BASE + 1u)
#define LINE REG8(UART_BASE + 3u)
#define STATUS REG8(UART_BASE + 5u)
#define LINE_8_BITS 3u
#define LINE_DIVIDER 0x83u    /* the divider's bytes are seen instead of the data */
#define STATUS_RX_READY 0x01u
#define STATUS_TX_EMPTY 0x20u
#define STATUS_TX_IDLE 0x40u

void uart_start(void)
{
    const uint32_t divider = clock_uart_hz() / (16u * UART_BAUD);
    LINE = LINE_DIVIDER;
    DIVIDER_LOW = (uint8_t)divider;
    DIVIDER_HIGH = (uint8_t)(divider >> 8);
    LINE = LINE_8_BITS;
}

int uart_poll(void)
{
    return (STATUS & STATUS_RX_READY) != 0 ? DATA : -1;
}

void uart_write(uint8_t byte)
{
    while ((STATUS & STATUS_TX_EMPTY) == 0) {
    }
    DATA = byte;
}

void uart_drain(void)
{
    while ((STATUS & STATUS_TX_IDLE) == 0) {
    }
}
