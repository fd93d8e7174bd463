/* What the families of STM32 have in common: the GPIO block from the F2 on (RM0090, 8.4). */
#ifndef STM32_H
#define STM32_H

#include "config.h"
#include "reg.h"

#define GPIO_PORT_STEP 0x400u
#define GPIO_MODER 0x00u
#define GPIO_OSPEEDR 0x08u
#define GPIO_PUPDR 0x0Cu
#define GPIO_AFR 0x20u
#define MODE_ALTERNATE 2u
#define SPEED_MEDIUM 1u
#define PULL_UP 1u

#ifdef GATE_PORT
#define GATE_PORTS (1u << GATE_PORT)
#else
#define GATE_PORTS 0u
#endif
#define PORTS (1u << UART_TX_PORT | 1u << UART_RX_PORT | GATE_PORTS)

static inline void set_field(uintptr_t address, uint32_t shift, uint32_t mask, uint32_t value)
{
    REG(address) = (REG(address) & ~(mask << shift)) | value << shift;
}

/* Give a pin to a peripheral: its alternate function, pulled up so that an open line is idle. */
static inline void pin_start(uintptr_t ports, uint32_t port, uint32_t pin, uint32_t function)
{
    const uintptr_t gpio = ports + GPIO_PORT_STEP * port;
    set_field(gpio + GPIO_AFR + 4u * (pin / 8u), 4u * (pin % 8u), 15u, function);
    set_field(gpio + GPIO_OSPEEDR, 2u * pin, 3u, SPEED_MEDIUM);
    set_field(gpio + GPIO_PUPDR, 2u * pin, 3u, PULL_UP);
    set_field(gpio + GPIO_MODER, 2u * pin, 3u, MODE_ALTERNATE);
}

static inline void uart_pins_start(uintptr_t ports)
{
    pin_start(ports, UART_TX_PORT, UART_TX_PIN, UART_TX_FUNCTION);
    pin_start(ports, UART_RX_PORT, UART_RX_PIN, UART_RX_FUNCTION);
}

#endif
