/* UART of the nRF51 and nRF52 (nRF52840 product specification, UART). */
#include "config.h"
#include "reg.h"
#include "uart.h"

#define START_RX REG(UART_BASE + 0x000u)
#define START_TX REG(UART_BASE + 0x008u)
#define RX_READY REG(UART_BASE + 0x108u)
#define TX_READY REG(UART_BASE + 0x11Cu)
#define ENABLE REG(UART_BASE + 0x500u)
#define PIN_TX REG(UART_BASE + 0x50Cu)
#define PIN_RX REG(UART_BASE + 0x514u)
#define RXD REG(UART_BASE + 0x518u)
#define TXD REG(UART_BASE + 0x51Cu)
#define BAUDRATE REG(UART_BASE + 0x524u)
#define ENABLE_UART 4u
#define UART_HZ 16000000u
/* In units of 16 MHz / 2^32, of which the register keeps the upper 20 bits. */
#define BAUDRATE_VALUE (uint32_t)((((uint64_t)UART_BAUD << 32) / UART_HZ + 0x800u) & ~0xFFFull)
#define PIN(port, number) ((port) << 5 | (number))

static int sent;

void uart_start(void)
{
    PIN_TX = PIN(UART_TX_PORT, UART_TX_PIN);
    PIN_RX = PIN(UART_RX_PORT, UART_RX_PIN);
    BAUDRATE = BAUDRATE_VALUE;
    ENABLE = ENABLE_UART;
    START_RX = 1;
    START_TX = 1;
}

int uart_poll(void)
{
    if (RX_READY == 0) {
        return -1;
    }
    RX_READY = 0;
    return (int)(RXD & 0xFFu);
}

/* The unit tells that a byte is out, not that it is free: the first one does not wait. */
void uart_write(uint8_t byte)
{
    while (sent && TX_READY == 0) {
    }
    TX_READY = 0;
    TXD = byte;
    sent = 1;
}

void uart_drain(void)
{
    while (sent && TX_READY == 0) {
    }
}
