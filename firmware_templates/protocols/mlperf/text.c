#include "text.h"

#include <string.h>

#include "platform.h"

/* A float's mantissa times 1000 has 34 bits, and is shifted left by 104 at most. */
#define WORDS 5u
#define IMPLIED_BIT 0x800000u    /* of a normal float, in front of its fraction */
#define DECIMALS 3u
#define DIGITS_MAX 42u
#define NUMBER_MAX 20u

static void send_digit(unsigned digit)
{
    static const char digits[] = "0123456789abcdef";
    platform_write((const uint8_t *)&digits[digit], 1);
}

void text_send(const char *string)
{
    platform_write((const uint8_t *)string, strlen(string));
}

void text_number(uint64_t value)
{
    uint8_t digits[NUMBER_MAX];
    unsigned count = 0;
    do {
        digits[count++] = (uint8_t)(value % 10u);
        value /= 10u;
    } while (value != 0);
    while (count > 0) {
        send_digit(digits[--count]);
    }
}

void text_byte(uint8_t value)
{
    send_digit(value >> 4);
    send_digit(value & 15u);
}

/* value / 2^count, a half to the even neighbour. */
static uint64_t shift_right(uint64_t value, unsigned count)
{
    if (count == 0) {
        return value;
    }
    if (count > 35u) {
        return 0;
    }
    const uint64_t half = 1ull << (count - 1u), rest = value & (2u * half - 1u);
    value >>= count;
    return value + (rest > half || (rest == half && (value & 1u) != 0));
}

static void shift_left(uint32_t *words, unsigned count)
{
    for (; count > 0; count--) {
        uint32_t carry = 0;
        for (unsigned i = 0; i < WORDS; i++) {
            const uint32_t out = words[i] >> 31;
            words[i] = words[i] << 1 | carry;
            carry = out;
        }
    }
}

/* Divide by ten and return the rest. */
static unsigned take_digit(uint32_t *words)
{
    uint64_t rest = 0;
    for (unsigned i = WORDS; i-- > 0;) {
        rest = rest << 32 | words[i];
        words[i] = (uint32_t)(rest / 10u);
        rest %= 10u;
    }
    return (unsigned)rest;
}

static int is_zero(const uint32_t *words)
{
    uint32_t any = 0;
    for (unsigned i = 0; i < WORDS; i++) {
        any |= words[i];
    }
    return any == 0;
}

/* A finite float is mantissa * 2^(exponent - 150): its thousandths are exact integers. */
static void send_thousandths(uint32_t mantissa, unsigned exponent)
{
    uint32_t words[WORDS] = {0};
    uint8_t digits[DIGITS_MAX];
    unsigned count = 0;
    uint64_t scaled = (uint64_t)mantissa * 1000u;
    if (exponent < 150u) {
        scaled = shift_right(scaled, 150u - exponent);
    }
    words[0] = (uint32_t)scaled;
    words[1] = (uint32_t)(scaled >> 32);
    if (exponent > 150u) {
        shift_left(words, exponent - 150u);
    }
    do {
        digits[count++] = (uint8_t)take_digit(words);
    } while (count <= DECIMALS || !is_zero(words));
    while (count > 0) {
        if (count == DECIMALS) {
            text_send(".");
        }
        send_digit(digits[--count]);
    }
}

void text_score(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t fraction = bits & (IMPLIED_BIT - 1u), exponent = bits >> 23 & 255u;
    if (bits >> 31 != 0) {
        text_send("-");
    }
    if (exponent == 255u) {
        text_send(fraction != 0 ? "nan" : "inf");
    } else if (exponent == 0) {
        send_thousandths(fraction, 1u);
    } else {
        send_thousandths(fraction | IMPLIED_BIT, exponent);
    }
}
