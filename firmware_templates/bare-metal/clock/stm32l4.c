/* STM32L4 and L4+: the PLL on the internal 16 MHz (RM0351 and RM0432, chapter 6). */
#include "clock.h"
#include "config.h"
#include "stm32.h"

#define RCC 0x40021000u
#define RCC_CR (RCC + 0x00u)
#define RCC_CFGR (RCC + 0x08u)
#define RCC_PLLCFGR (RCC + 0x0Cu)
#define RCC_AHB2ENR (RCC + 0x4Cu)
#define RCC_APB1ENR1 (RCC + 0x58u)
#define RCC_APB1ENR2 (RCC + 0x5Cu)
#define RCC_APB2ENR (RCC + 0x60u)
#define RCC_CCIPR (RCC + 0x88u)
#define CR_HSION (1u << 8)
#define CR_HSIRDY (1u << 10)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define PLLCFGR_HSI 2u
#define PLLCFGR_R_ON (1u << 24)
#define CFGR_SW_PLL 3u
#define CFGR_SWS_MASK (3u << 2)
#define CFGR_SWS_PLL (3u << 2)
#define CFGR_AHB_HALF (8u << 4)
#define CCIPR_UARTS_HSI 0xAAAu    /* USART1 to UART5 and LPUART1 */
#define APB1_PWR (1u << 28)
#define FLASH_ACR 0x40022000u
#define FLASH_ACCELERATOR (7u << 8)
#define PWR_CR2 0x40007004u
#define PWR_CR2_IOSV (1u << 9)    /* the supply of port G is there */
#define PWR_CR5 0x40007080u
#define PWR_CR5_R1MODE (1u << 8)
#define GPIO_PORTS 0x48000000u
#define PORT_G (1u << 6)
#define HSI_HZ 16000000u
#define BOOST_ABOVE_HZ 80000000u

#if HSI_HZ / PLL_M * PLL_N / PLL_R != CLOCK_HZ
#error "PLL_M, PLL_N and PLL_R do not give CLOCK_HZ from the 16 MHz oscillator"
#endif

#if UART_BASE == 0x40013800u    /* USART1 */
#define UART_ENABLE RCC_APB2ENR
#define UART_BIT (1u << 14)
#elif UART_BASE == 0x40004400u    /* USART2 */
#define UART_ENABLE RCC_APB1ENR1
#define UART_BIT (1u << 17)
#elif UART_BASE == 0x40004800u    /* USART3 */
#define UART_ENABLE RCC_APB1ENR1
#define UART_BIT (1u << 18)
#elif UART_BASE == 0x40008000u    /* LPUART1 */
#define UART_ENABLE RCC_APB1ENR2
#define UART_BIT 1u
#else
#error "no USART of this family is at UART_BASE"
#endif

static void core_clock_start(void)
{
    REG(RCC_CR) |= CR_HSION;
    reg_wait(RCC_CR, CR_HSIRDY, CR_HSIRDY);
    REG(RCC_PLLCFGR) =
        PLLCFGR_HSI | (PLL_M - 1u) << 4 | PLL_N << 8 | (PLL_R / 2u - 1u) << 25 | PLLCFGR_R_ON;
    REG(RCC_CR) |= CR_PLLON;
    reg_wait(RCC_CR, CR_PLLRDY, CR_PLLRDY);
    REG(FLASH_ACR) = FLASH_ACCELERATOR | FLASH_WAIT_STATES;
    reg_wait(FLASH_ACR, 15u, FLASH_WAIT_STATES);
#if CLOCK_HZ > BOOST_ABOVE_HZ
    /* The boosted range, entered at half speed for a microsecond (RM0432, 5.1.8). */
    REG(PWR_CR5) &= ~PWR_CR5_R1MODE;
    REG(RCC_CFGR) = CFGR_AHB_HALF | CFGR_SW_PLL;
    for (volatile uint32_t spins = CLOCK_HZ / 1000000u; spins > 0; spins--) {
    }
#endif
    REG(RCC_CFGR) = CFGR_SW_PLL;
    reg_wait(RCC_CFGR, CFGR_SWS_MASK, CFGR_SWS_PLL);
}

void clock_start(void)
{
    REG(RCC_APB1ENR1) |= APB1_PWR;
    core_clock_start();
    if ((PORTS & PORT_G) != 0) {
        REG(PWR_CR2) |= PWR_CR2_IOSV;
    }
    REG(RCC_AHB2ENR) |= PORTS;
    REG(RCC_CCIPR) = CCIPR_UARTS_HSI;
    REG(UART_ENABLE) |= UART_BIT;
    uart_pins_start(GPIO_PORTS);
}

uint32_t clock_uart_hz(void)
{
    return HSI_HZ;
}
