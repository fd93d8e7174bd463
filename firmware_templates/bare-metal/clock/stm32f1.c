/* STM32F1: internal oscillator, 8 MHz, through the PLL where PLL_MUL is set (RM0041, chapter 6). */
#include "clock.h"
#include "config.h"
#include "reg.h"

#define RCC 0x40021000u
#define RCC_CR (RCC + 0x00u)
#define RCC_CFGR (RCC + 0x04u)
#define RCC_APB2ENR (RCC + 0x18u)
#define CR_PLLON (1u << 24)
#define CR_PLLRDY (1u << 25)
#define CFGR_SW_PLL 2u
#define CFGR_SWS_MASK (3u << 2)
#define CFGR_SWS_PLL (2u << 2)
#define APB2_GPIOA (1u << 2)
#define APB2_USART1 (1u << 14)
#define HSI_HZ 8000000u

#define GPIOA_CRH 0x40010804u
#define CRH_PIN9_MASK (15u << 4)
#define CRH_PIN9_ALTERNATE_10MHZ (9u << 4)

#if UART_BASE != 0x40013800u
#error "this driver knows USART1 at 0x40013800 on PA9 and PA10"
#endif
#if HSI_HZ / 2u * PLL_MUL != CLOCK_HZ
#error "PLL_MUL does not give CLOCK_HZ from half of the 8 MHz oscillator"
#endif

void clock_start(void)
{
    REG(RCC_CFGR) = (PLL_MUL - 2u) << 18;
    REG(RCC_CR) |= CR_PLLON;
    reg_wait(RCC_CR, CR_PLLRDY, CR_PLLRDY);
    REG(RCC_CFGR) |= CFGR_SW_PLL;
    reg_wait(RCC_CFGR, CFGR_SWS_MASK, CFGR_SWS_PLL);
    /* PA10 is a floating input from reset, as the receiver wants it. */
    REG(RCC_APB2ENR) |= APB2_GPIOA | APB2_USART1;
    REG(GPIOA_CRH) = (REG(GPIOA_CRH) & ~CRH_PIN9_MASK) | CRH_PIN9_ALTERNATE_10MHZ;
}

uint32_t clock_uart_hz(void)
{
    return CLOCK_HZ;
}
