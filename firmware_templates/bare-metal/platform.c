/* The link on a microcontroller without an operating system: one UART, one timer, one stack. */
#include "platform.h"

#include "gpio.h"
#include "link.h"
#include "memory.h"
#include "timer.h"
#include "uart.h"

int platform_read(void)
{
    int byte;
    while ((byte = uart_poll()) < 0) {
        link_wait();
    }
    return byte;
}

void platform_write(const uint8_t *data, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uart_write(data[i]);
    }
}

void platform_flush(void)
{
    uart_drain();
}

void platform_counters(uint64_t *values)
{
    timer_read(values);
}

void platform_gate(int level)
{
    gpio_write(level);
}

uint32_t *platform_stack_bottom(void)
{
    return stack_bottom;
}

uint32_t *platform_stack_top(void)
{
    return stack_top;
}
