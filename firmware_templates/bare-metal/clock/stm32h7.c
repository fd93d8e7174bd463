/* STM32H7: PLL1 on the internal 64 MHz (RM0433, chapters 6 and 8; RM0455 for the H7A3). */
#include "clock.h"
#include "config.h"
#include "stm32.h"

#define RCC 0x58024400u
#define RCC_CR (RCC + 0x00u)
#define RCC_CFGR (RCC + 0x10u)
#define RCC_D1CFGR (RCC + 0x18u)
#define RCC_D2CFGR (RCC + 0x1Cu)
#define RCC_D3CFGR (RCC + 0x20u)
#define RCC_PLLCKSELR (RCC + 0x28u)
#define RCC_PLLCFGR (RCC + 0x2Cu)
#define RCC_PLL1DIVR (RCC + 0x30u)
#define RCC_D2CCIP2R (RCC + 0x54u)
/* The registers of the first core, which lie at the same place in every H7. */
#define RCC_AHB4ENR (RCC + 0x140u)
#define RCC_APB1LENR (RCC + 0x148u)
#define RCC_APB2ENR (RCC + 0x150u)
#define CR_PLL1ON (1u << 24)
#define CR_PLL1RDY (1u << 25)
#define CFGR_SW_PLL1 3u
#define CFGR_SWS_MASK (7u << 3)
#define CFGR_SWS_PLL1 (3u << 3)
#define PLLCFGR_P_ON (1u << 16)
#define D2CCIP2R_UARTS_HSI (3u | 3u << 3)
#define FLASH_ACR 0x52002000u
#define PWR_CSR1 0x58024804u
#define PWR_CSR1_READY (1u << 13)
#define PWR_CR3 0x5802480Cu
#define PWR_SUPPLIES 7u
#define PWR_D3CR 0x58024818u
#define PWR_D3CR_FASTEST (3u << 14)
#define PWR_D3CR_READY (1u << 13)
#define GPIO_PORTS 0x58020000u
#define HSI_HZ 64000000u
#define PLL_IN_HZ (HSI_HZ / PLL_M)

#if PLL_IN_HZ * PLL_N / PLL_P != CLOCK_HZ
#error "PLL_M, PLL_N and PLL_P do not give CLOCK_HZ from the 64 MHz oscillator"
#endif
#if PLL_IN_HZ >= 8000000u
#define PLL_RANGE (3u << 2)
#elif PLL_IN_HZ >= 4000000u
#define PLL_RANGE (2u << 2)
#else
#define PLL_RANGE (1u << 2)
#endif

/* The buses run at half the core's clock where it is faster than they may be. */
#if CLOCK_HZ > 280000000u
#define AHB_HALF 8u
#else
#define AHB_HALF 0u
#endif
#define APB_HALF 4u

#if UART_BASE == 0x40011000u    /* USART1 */
#define UART_ENABLE RCC_APB2ENR
#define UART_BIT (1u << 4)
#elif UART_BASE == 0x40004400u    /* USART2 */
#define UART_ENABLE RCC_APB1LENR
#define UART_BIT (1u << 17)
#elif UART_BASE == 0x40004800u    /* USART3 */
#define UART_ENABLE RCC_APB1LENR
#define UART_BIT (1u << 18)
#else
#error "no USART of this family is at UART_BASE"
#endif

/* The supply is chosen once; only then may the voltage rise (RM0433, 6.8.4). */
static void supply_start(void)
{
    REG(PWR_CR3) = (REG(PWR_CR3) & ~PWR_SUPPLIES) | PWR_SUPPLY;
    reg_wait(PWR_CSR1, PWR_CSR1_READY, PWR_CSR1_READY);
    REG(PWR_D3CR) |= PWR_D3CR_FASTEST;
    reg_wait(PWR_D3CR, PWR_D3CR_READY, PWR_D3CR_READY);
}

static void core_clock_start(void)
{
    REG(RCC_PLLCKSELR) = PLL_M << 4;
    REG(RCC_PLLCFGR) = PLL_RANGE | PLLCFGR_P_ON;
    REG(RCC_PLL1DIVR) = (PLL_N - 1u) | (PLL_P - 1u) << 9 | 1u << 16 | 1u << 24;
    REG(RCC_CR) |= CR_PLL1ON;
    reg_wait(RCC_CR, CR_PLL1RDY, CR_PLL1RDY);
    set_field(FLASH_ACR, 0, 15u, FLASH_WAIT_STATES);
    reg_wait(FLASH_ACR, 15u, FLASH_WAIT_STATES);
    REG(RCC_D1CFGR) = AHB_HALF | APB_HALF << 4;
    REG(RCC_D2CFGR) = APB_HALF << 4 | APB_HALF << 8;
    REG(RCC_D3CFGR) = APB_HALF << 4;
    set_field(RCC_CFGR, 0, 7u, CFGR_SW_PLL1);
    reg_wait(RCC_CFGR, CFGR_SWS_MASK, CFGR_SWS_PLL1);
}

void clock_start(void)
{
    supply_start();
    core_clock_start();
    REG(RCC_AHB4ENR) |= PORTS;
    REG(RCC_D2CCIP2R) = D2CCIP2R_UARTS_HSI;
    REG(UART_ENABLE) |= UART_BIT;
    uart_pins_start(GPIO_PORTS);
}

uint32_t clock_uart_hz(void)
{
    return HSI_HZ;
}
