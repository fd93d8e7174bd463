/* PrimeCell UART PL011, of the RP2040, RP2350 and Stellaris (Arm DDI 0183, chapter 3). */
#include "clock.h"
#include "config.h"
#include "reg.h"
#include "uart.h"

#define DATA REG(UART_BASE + 0x00u)
#define FLAGS REG(UART_BASE + 0x18u)
#define DIVIDER REG(UART_BASE + 0x24u)
#define FRACTION REG(UART_BASE + 0x28u)
#define LINE REG(UART_BASE + 0x2Cu)
#define CONTROL REG(UART_BASE + 0x30u)
#define FLAGS_BUSY (1u << 3)
#define FLAGS_RX_EMPTY (1u << 4)
#define FLAGS_TX_FULL (1u << 5)
#define LINE_8_BITS_FIFO (3u << 5 | 1u << 4)
#define CONTROL_ENABLE (1u << 0 | 1u << 8 | 1u << 9)    /* unit, transmitter, receiver */

void uart_start(void)
{
    /* In 64ths of a sixteenth of a bit. */
    const uint32_t divider = (4u * clock_uart_hz() + UART_BAUD / 2u) / UART_BAUD;
    DIVIDER = divider >> 6;
    FRACTION = divider & 63u;
    LINE = LINE_8_BITS_FIFO;
    CONTROL = CONTROL_ENABLE;
}

int uart_poll(void)
{
    return (FLAGS & FLAGS_RX_EMPTY) == 0 ? (int)(DATA & 0xFFu) : -1;
}

void uart_write(uint8_t byte)
{
    while ((FLAGS & FLAGS_TX_FULL) != 0) {
    }
    DATA = byte;
}

void uart_drain(void)
{
    while ((FLAGS & FLAGS_BUSY) != 0) {
    }
}
