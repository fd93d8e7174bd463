/* STM32F4 and STM32F7: the PLL on the internal 16 MHz (RM0090, chapter 7; RM0385, chapter 5). */
#include "clock.h"
#include "config.h"
#include "stm32.h"

#define RCC 0x40023800u
#define RCC_CR (RCC + 0x00u)
#define RCC_PLLCFGR (RCC + 0x04u)
#define RCC_CFGR (RCC + 0x08u)
#define RCC_AHB1ENR (RCC + 0x30u)
#define RCC_APB1ENR (RCC + 0x40u)
#define RCC_APB2ENR (RCC + 0x44u)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define PLLCFGR_Q 4u    /* 48 MHz peripherals, which stay off */
#define PLLCFGR_R 2u
#define CFGR_SW_PLL 2u
#define CFGR_SWS_MASK (3u << 2)
#define CFGR_SWS_PLL (2u << 2)
#define FLASH_ACR 0x40023C00u
#define PWR_CR 0x40007000u
#define PWR_CSR 0x40007004u
#define PWR_OVERDRIVE (1u << 16)
#define PWR_OVERDRIVE_SWITCH (1u << 17)
#define APB1_PWR (1u << 28)
#define GPIO_PORTS 0x40020000u
#define HSI_HZ 16000000u

#if HSI_HZ / PLL_M * PLL_N / PLL_P != CLOCK_HZ
#error "PLL_M, PLL_N and PLL_P do not give CLOCK_HZ from the 16 MHz oscillator"
#endif

/* Both buses stay below their limits: 42 to 54 MHz and 84 to 108 MHz. */
#if CLOCK_HZ > 90000000u
#define APB1_DIVIDER 4u
#define APB2_DIVIDER 2u
#define CFGR_BUSES (5u << 10 | 4u << 13)
#else
#define APB1_DIVIDER 2u
#define APB2_DIVIDER 1u
#define CFGR_BUSES (4u << 10)
#endif

#if UART_BASE == 0x40011000u    /* USART1 */
#define UART_ON_APB2 (1u << 4)
#elif UART_BASE == 0x40011400u    /* USART6 */
#define UART_ON_APB2 (1u << 5)
#elif UART_BASE == 0x40004400u    /* USART2 */
#define UART_ON_APB1 (1u << 17)
#elif UART_BASE == 0x40004800u    /* USART3 */
#define UART_ON_APB1 (1u << 18)
#elif UART_BASE == 0x40004C00u    /* UART4 */
#define UART_ON_APB1 (1u << 19)
#elif UART_BASE == 0x40005000u    /* UART5 */
#define UART_ON_APB1 (1u << 20)
#else
#error "no USART of this family is at UART_BASE"
#endif

#ifdef CORE_CORTEX_M7
#define FLASH_ACCELERATOR (3u << 8)    /* prefetch, ART */
#define RCC_DCKCFGR2 (RCC + 0x90u)
#define DCKCFGR2_UARTS_HSI 0xAAAAu
#else
#define FLASH_ACCELERATOR (7u << 8)    /* prefetch, instruction and data cache */
#endif

static void core_clock_start(void)
{
    REG(RCC_PLLCFGR) = PLL_M | PLL_N << 6 | (PLL_P / 2u - 1u) << 16 | PLLCFGR_Q << 24 | PLLCFGR_R << 28;
    REG(RCC_CR) |= CR_PLLON;
#ifdef OVERDRIVE
    REG(RCC_APB1ENR) |= APB1_PWR;
    REG(PWR_CR) |= PWR_OVERDRIVE;
    reg_wait(PWR_CSR, PWR_OVERDRIVE, PWR_OVERDRIVE);
    REG(PWR_CR) |= PWR_OVERDRIVE_SWITCH;
    reg_wait(PWR_CSR, PWR_OVERDRIVE_SWITCH, PWR_OVERDRIVE_SWITCH);
#endif
    reg_wait(RCC_CR, CR_PLLRDY, CR_PLLRDY);
    REG(FLASH_ACR) = FLASH_ACCELERATOR | FLASH_WAIT_STATES;
    reg_wait(FLASH_ACR, 15u, FLASH_WAIT_STATES);
    REG(RCC_CFGR) = CFGR_BUSES | CFGR_SW_PLL;
    reg_wait(RCC_CFGR, CFGR_SWS_MASK, CFGR_SWS_PLL);
}

void clock_start(void)
{
    core_clock_start();
    REG(RCC_AHB1ENR) |= PORTS;
#ifdef UART_ON_APB2
    REG(RCC_APB2ENR) |= UART_ON_APB2;
#else
    REG(RCC_APB1ENR) |= UART_ON_APB1;
#endif
#ifdef CORE_CORTEX_M7
    REG(RCC_DCKCFGR2) = DCKCFGR2_UARTS_HSI;
#endif
    uart_pins_start(GPIO_PORTS);
}

uint32_t clock_uart_hz(void)
{
#if defined(CORE_CORTEX_M7)
    return HSI_HZ;
#elif defined(UART_ON_APB2)
    return CLOCK_HZ / APB2_DIVIDER;
#else
    return CLOCK_HZ / APB1_DIVIDER;
#endif
}
