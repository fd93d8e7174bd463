/* RP2040 and RP2350: the system PLL on the 12 MHz crystal (data sheets, Clocks and Resets). */
#include "clock.h"
#include "config.h"
#include "reg.h"

#ifdef CORE_CORTEX_M0PLUS
#define RESETS 0x4000C000u
#define CLOCKS 0x40008000u
#define XOSC 0x40024000u
#define PLL_SYS 0x40028000u
#define IO_BANK0 0x40014000u
#define PADS_BANK0 0x4001C000u
#define RESET_BITS (1u << 5 | 1u << 8 | 1u << 12 | 1u << 22)    /* pins, pads, PLL, UART0 */
#else
#define RESETS 0x40020000u
#define CLOCKS 0x40010000u
#define XOSC 0x40048000u
#define PLL_SYS 0x40050000u
#define IO_BANK0 0x40028000u
#define PADS_BANK0 0x40038000u
#define RESET_BITS (1u << 6 | 1u << 9 | 1u << 14 | 1u << 26)
#endif

#define RESETS_DONE (RESETS + 0x8u)
#define XOSC_CTRL (XOSC + 0x0u)
#define XOSC_STATUS (XOSC + 0x4u)
#define XOSC_STARTUP (XOSC + 0xCu)
#define XOSC_1_15_MHZ 0xAA0u
#define XOSC_ENABLE (0xFABu << 12)
#define XOSC_STABLE (1u << 31)
#define STARTUP_1_MS 47u    /* in units of 256 cycles of 12 MHz */
#define PLL_CS (PLL_SYS + 0x0u)
#define PLL_PWR (PLL_SYS + 0x4u)
#define PLL_FBDIV (PLL_SYS + 0x8u)
#define PLL_PRIM (PLL_SYS + 0xCu)
#define PLL_OFF (1u << 0 | 1u << 5)
#define PLL_POST_OFF (1u << 3)
#define PLL_LOCKED (1u << 31)
#define CLK_REF (CLOCKS + 0x30u)
#define CLK_SYS (CLOCKS + 0x3Cu)
#define CLK_PERI (CLOCKS + 0x48u)
#define SELECTED 0x8u
#define REF_XOSC 2u
#define SYS_PLL 1u
#define PERI_ENABLE (1u << 11)
#define XOSC_HZ 12000000u
#define PIN_UART 2u
#define PAD_UART 0x56u    /* input enabled, 4 mA, Schmitt trigger; no isolation */

#if XOSC_HZ * PLL_N / (PLL_P1 * PLL_P2) != CLOCK_HZ
#error "PLL_N, PLL_P1 and PLL_P2 do not give CLOCK_HZ from the 12 MHz crystal"
#endif
#if UART_BASE != 0x40034000u && UART_BASE != 0x40070000u
#error "this driver knows UART0"
#endif

#ifdef CORE_CORTEX_M0PLUS
/* The boot ROM runs these 256 bytes from RAM: serial flash by plain reads (command 03h), then our
   vectors. The last word is the CRC-32 that it checks (RP2040 data sheet, 2.8.1.3). */
__asm__(
    ".section .boot2, \"ax\"\n\t"
    ".syntax unified\n\t"
    ".thumb\n\t"
    "boot2:\n\t"
    "ldr r3, ssi\n\t"
    "movs r1, #0\n\t"
    "str r1, [r3, #0x08]\n\t"    /* off */
    "movs r2, #4\n\t"
    "str r2, [r3, #0x14]\n\t"    /* a quarter of the clock */
    "ldr r2, ssi_data\n\t"
    "str r2, [r3, #0x00]\n\t"
    "str r1, [r3, #0x04]\n\t"
    "ldr r2, ssi_command\n\t"
    "ldr r0, ssi_command_register\n\t"
    "str r2, [r0]\n\t"
    "movs r1, #1\n\t"
    "str r1, [r3, #0x08]\n\t"    /* on */
    "ldr r0, our_vectors\n\t"
    "ldr r1, vtor\n\t"
    "str r0, [r1]\n\t"
    "ldr r1, [r0]\n\t"
    "msr msp, r1\n\t"
    "ldr r0, [r0, #4]\n\t"
    "bx r0\n\t"
    ".balign 4\n"
    "ssi: .word 0x18000000\n"
    "ssi_data: .word 0x001F0300\n"       /* 32 bits of data after a command */
    "ssi_command: .word 0x03000218\n"    /* command 03h, 24 bits of address */
    "ssi_command_register: .word 0x180000F4\n"
    "our_vectors: .word 0x10000100\n"
    "vtor: .word 0xE000ED08\n\t"
    ".org 252\n\t"
    ".word 0xF16315C6\n\t"
    ".text");
#else
/* An Arm program for the secure state, as the boot ROM looks for it (RP2350 data sheet, 5.9.5). */
__attribute__((section(".image_def"), used)) static const uint32_t image_def[] = {
    0xFFFFDED3u, 0x10210142u, 0x000001FFu, 0x00000000u, 0xAB123579u,
};
#endif

static void core_clock_start(void)
{
    REG(XOSC_STARTUP) = STARTUP_1_MS;
    REG(XOSC_CTRL) = XOSC_1_15_MHZ | XOSC_ENABLE;
    reg_wait(XOSC_STATUS, XOSC_STABLE, XOSC_STABLE);
    REG(CLK_REF) = REF_XOSC;
    reg_wait(CLK_REF + SELECTED, 1u << REF_XOSC, 1u << REF_XOSC);
    REG(PLL_CS) = 1;
    REG(PLL_FBDIV) = PLL_N;
    REG(PLL_PWR) &= ~PLL_OFF;
    reg_wait(PLL_CS, PLL_LOCKED, PLL_LOCKED);
    REG(PLL_PRIM) = PLL_P1 << 16 | PLL_P2 << 12;
    REG(PLL_PWR) &= ~PLL_POST_OFF;
    REG(CLK_SYS) = SYS_PLL;
    reg_wait(CLK_SYS + SELECTED, 1u << SYS_PLL, 1u << SYS_PLL);
}

static void pin_start(uint32_t pin)
{
    REG(PADS_BANK0 + 4u + 4u * pin) = PAD_UART;
    REG(IO_BANK0 + 4u + 8u * pin) = PIN_UART;
}

void clock_start(void)
{
    REG(RESETS) &= ~RESET_BITS;
    reg_wait(RESETS_DONE, RESET_BITS, RESET_BITS);
    core_clock_start();
    REG(CLK_PERI) = PERI_ENABLE;
    pin_start(UART_TX_PIN);
    pin_start(UART_RX_PIN);
}

uint32_t clock_uart_hz(void)
{
    return CLOCK_HZ;
}
