/* Stellaris LM3S: the PLL's 200 MHz on the 8 MHz crystal, divided (data sheet, System Control). */
#include "clock.h"
#include "config.h"
#include "reg.h"

#define SYSCTL 0x400FE000u
#define RIS (SYSCTL + 0x050u)
#define RCC (SYSCTL + 0x060u)
#define RCGC1 (SYSCTL + 0x104u)
#define RCGC2 (SYSCTL + 0x108u)
#define RIS_PLL_LOCKED (1u << 6)
#define RCC_CRYSTAL_8_MHZ (14u << 6)
#define RCC_BYPASS (1u << 11)
#define RCC_DIVIDE (1u << 22)
#define PLL_HZ 200000000u
#define GPIOA_AFSEL 0x40004420u
#define GPIOA_DEN 0x4000451Cu
#define PINS_UART0 3u    /* PA0 and PA1 */

#if PLL_HZ % CLOCK_HZ != 0
#error "CLOCK_HZ does not divide 200 MHz"
#endif
#define RCC_DIVIDER ((PLL_HZ / CLOCK_HZ - 1u) << 23)

void clock_start(void)
{
    REG(RCC) = RCC_CRYSTAL_8_MHZ | RCC_BYPASS;
    reg_wait(RIS, RIS_PLL_LOCKED, RIS_PLL_LOCKED);
    REG(RCC) = RCC_CRYSTAL_8_MHZ | RCC_BYPASS | RCC_DIVIDE | RCC_DIVIDER;
    REG(RCC) = RCC_CRYSTAL_8_MHZ | RCC_DIVIDE | RCC_DIVIDER;
    REG(RCGC1) |= 1u;
    REG(RCGC2) |= 1u;
    REG(GPIOA_AFSEL) |= PINS_UART0;
    REG(GPIOA_DEN) |= PINS_UART0;
}

uint32_t clock_uart_hz(void)
{
    return CLOCK_HZ;
}
