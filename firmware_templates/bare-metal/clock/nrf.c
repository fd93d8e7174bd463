/* nRF51 and nRF52: the crystal oscillator, the flash cache and the UART's pins. */
#include "clock.h"
#include "config.h"
#include "reg.h"

#define HFCLK_START 0x40000000u
#define HFCLK_STARTED 0x40000100u
#define NVMC_ICACHECNF 0x4001E540u    /* nRF52 product specification, NVMC */
#define GPIO_PORTS 0x50000000u
#define GPIO_PORT_STEP 0x300u
#define GPIO_OUTSET 0x508u
#define GPIO_PIN_CNF 0x700u
#define CNF_OUTPUT 3u
#define CNF_INPUT_PULL_UP (3u << 2)
#define UART_HZ 16000000u

static void pin_start(uint32_t port, uint32_t pin, uint32_t configuration)
{
    const uintptr_t gpio = GPIO_PORTS + GPIO_PORT_STEP * port;
    REG(gpio + GPIO_OUTSET) = 1u << pin;
    REG(gpio + GPIO_PIN_CNF + 4u * pin) = configuration;
}

void clock_start(void)
{
    REG(HFCLK_STARTED) = 0;
    REG(HFCLK_START) = 1;
    reg_wait(HFCLK_STARTED, 1u, 1u);
#ifndef CORE_CORTEX_M0
    REG(NVMC_ICACHECNF) = 1;
#endif
    pin_start(UART_TX_PORT, UART_TX_PIN, CNF_OUTPUT);
    pin_start(UART_RX_PORT, UART_RX_PIN, CNF_INPUT_PULL_UP);
}

uint32_t clock_uart_hz(void)
{
    return UART_HZ;
}
