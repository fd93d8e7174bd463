/* UART of Arm's Cortex-M System Design Kit (DDI 0479, section 4.3). */
#include "clock.h"
#include "config.h"
#include "reg.h"
#include "uart.h"

#define DATA REG(UART_BASE + 0x00u)
#define STATE REG(UART_BASE + 0x04u)
#define CTRL REG(UART_BASE + 0x08u)
#define BAUDDIV REG(UART_BASE + 0x10u)

#define STATE_TX_FULL 1u
#define STATE_RX_FULL 2u
#define CTRL_TX_ENABLE 1u
#define CTRL_RX_ENABLE 2u

void uart_start(void)
{
    BAUDDIV = clock_uart_hz() / UART_BAUD;
    CTRL = CTRL_TX_ENABLE | CTRL_RX_ENABLE;
}

int uart_poll(void)
{
    return (STATE & STATE_RX_FULL) != 0 ? (int)(DATA & 0xFFu) : -1;
}

void uart_write(uint8_t byte)
{
    while ((STATE & STATE_TX_FULL) != 0) {
    }
    DATA = byte;
}

/* The unit does not tell of the byte that it shifts out. */
void uart_drain(void)
{
    while ((STATE & STATE_TX_FULL) != 0) {
    }
}
