/* The device's side of MLPerf Tiny's text protocol (docs/mlperf.md of edgeq). */
#include <string.h>

#include "config.h"
#include "link.h"
#include "platform.h"
#include "stopwatch.h"
#include "task.h"
#include "text.h"

#define COMMAND_MAX 80u
#define COMMAND_END '%'
#define WARMUP_DEFAULT 10
#define BYTES_A_LINE 8u
#define PULSE_US 100u    /* ten times what a meter of 100,000 samples a second needs */

static char command[COMMAND_MAX + 1u];
static char *rest;                      /* of the command, behind the words that were read */
static uint8_t buffer[BUFFER_BYTES];
static uint32_t expected, loaded;       /* bytes of the buffer */

/* --- words of a command --- */

/* Return the next word, and NULL at the end. */
static char *next_word(void)
{
    while (*rest == ' ') {
        rest++;
    }
    if (*rest == 0) {
        return NULL;
    }
    char *word = rest;
    while (*rest != 0 && *rest != ' ') {
        rest++;
    }
    if (*rest == ' ') {
        *rest++ = 0;
    }
    return word;
}

static int same(const char *a, const char *b)
{
    while (*a != 0 && *a == *b) {
        a++;
        b++;
    }
    return *a == *b;
}

/* The number that `word` begins with, as atoi reads it; one that is too large is the largest. */
static int32_t number_of(const char *word)
{
    const int negative = *word == '-';
    int32_t value = 0;
    word += *word == '-' || *word == '+';
    for (; *word >= '0' && *word <= '9'; word++) {
        const int32_t digit = *word - '0';
        value = value > (INT32_MAX - digit) / 10 ? INT32_MAX : value * 10 + digit;
    }
    return negative ? -value : value;
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    digit |= 0x20;
    return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

/* --- time stamps --- */

#if ENERGY_MODE

static uint64_t stamp(void)
{
    platform_gate(0);
    const uint64_t start = stopwatch_us();
    while (stopwatch_us() - start < PULSE_US) {
    }
    platform_gate(1);
    return start;
}

static void send_stamp(uint64_t time)
{
    (void)time;
}

#else

static uint64_t stamp(void)
{
    return stopwatch_us();
}

static void send_stamp(uint64_t time)
{
    text_send("m-lap-us-");
    text_number(time);
    text_send("\r\n");
}

#endif

/* --- commands --- */

static void run_name(void)
{
    text_send("m-name-dut-[" VENDOR_NAME "]\r\n");
}

static void run_timestamp(void)
{
    send_stamp(stamp());
}

static void run_profile(void)
{
    text_send("m-profile-[ULPMark for tinyML Firmware V0.0.1]\r\n"
              "m-model-[" TASK_NAME "]\r\n");
}

static void run_help(void)
{
    text_send("edgeq " FIRMWARE_VERSION ", " MODEL_NAME " on " BOARD_ID "\r\n"
              "name          the vendor of this device\r\n"
              "timestamp     the time now\r\n"
              "profile       the benchmark and its model\r\n"
              "db load N     begin an input of N bytes\r\n"
              "db HH...      the next bytes of the input, in hex\r\n"
              "db print      the input in hex\r\n"
              "infer N [W]   W inferences to warm up (10), then N measured ones\r\n"
              "results       the last result\r\n"
              "help          these lines\r\n");
}

static void load_begin(void)
{
    const char *word = next_word();
    const int32_t bytes = word != NULL ? number_of(word) : 0;
    expected = loaded = 0;
    if (word == NULL) {
        text_send("e-[Command 'db load' requires the # of bytes]\r\n");
    } else if (bytes <= 0) {
        text_send("e-[Command 'db load' must be >0 bytes]\r\n");
    } else if ((uint32_t)bytes > BUFFER_BYTES) {
        text_send("Supplied buffer size ");
        text_number((uint32_t)bytes);
        text_send(" exceeds maximum of ");
        text_number(BUFFER_BYTES);
        text_send("\r\n");
    } else {
        expected = (uint32_t)bytes;
        memset(buffer, 0, expected);
        text_send("m-[Expecting ");
        text_number(expected);
        text_send(" bytes]\r\n");
    }
}

static void load_print(void)
{
    for (uint32_t i = 0; i < expected; i++) {
        stopwatch_look();    /* at 9600 baud this takes longer than a turn of the counter */
        text_send(i % BYTES_A_LINE == 0 ? "m-buffer-" : "-");
        text_byte(buffer[i]);
        if (i % BYTES_A_LINE == BYTES_A_LINE - 1u || i == expected - 1u) {
            text_send("\r\n");
        }
    }
}

static void refuse_digits(const char *pair)
{
    const char digits[3] = {pair[0], pair[1], 0};
    text_send("e-[Invalid hex digit '");
    text_send(digits);
    text_send("']\r\n");
}

/* All of the digits or none; those behind the last byte that is expected do not count. */
static void load_bytes(const char *digits)
{
    size_t length = strlen(digits);
    if (length % 2u != 0) {
        text_send("e-[Insufficent number of hex digits]\r\n");
        return;
    }
    if (loaded == expected) {
        text_send("e-[Command 'db' requires 'db load' first]\r\n");
        return;
    }
    const uint32_t given = (uint32_t)length / 2u, open = expected - loaded;
    const uint32_t count = given < open ? given : open;
    for (uint32_t i = 0; i < count; i++) {
        if (hex_digit(digits[2u * i]) < 0 || hex_digit(digits[2u * i + 1u]) < 0) {
            refuse_digits(digits + 2u * i);
            return;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        const int high = hex_digit(digits[2u * i]), low = hex_digit(digits[2u * i + 1u]);
        buffer[loaded++] = (uint8_t)(high << 4 | low);
    }
    if (loaded == expected) {
        text_send("m-load-done\r\n");
    }
}

static void run_db(void)
{
    const char *word = next_word();
    if (word == NULL) {
        text_send("e-[Command 'db' requires a subcommand]\r\n");
    } else if (same(word, "load")) {
        load_begin();
    } else if (same(word, "print")) {
        load_print();
    } else {
        load_bytes(word);
    }
}

static void infer(int32_t count)
{
    for (; count > 0; count--) {
        input_give(buffer);
        model_invoke();
        stopwatch_look();
    }
}

static void send_count(const char *message, int32_t count)
{
    text_send(message);
    text_number((uint32_t)count);
    text_send("\r\n");
}

/* Both stamps are sent behind the inferences: to send the first one takes time of the link. */
static void measure(int32_t runs, int32_t warmup)
{
    input_take(buffer);
    send_count("m-warmup-start-", warmup);
    infer(warmup);
    text_send("m-warmup-done\r\n");
    send_count("m-infer-start-", runs);
    platform_flush();
    const uint64_t start = stamp();
    infer(runs);
    const uint64_t end = stamp();
    send_stamp(start);
    send_stamp(end);
    text_send("m-infer-done\r\n");
    input_leave(buffer);
    result_take(buffer);
    result_send();
}

static void run_infer(void)
{
    const char *runs = next_word(), *warmup = next_word();
    if (runs != NULL && number_of(runs) <= 0) {
        text_send("e-[Inference iterations must be >0]\r\n");
    } else if (warmup != NULL && number_of(warmup) < 0) {
        text_send("e-[Inference warmup must be >=0]\r\n");
    } else if (loaded < INPUT_BYTES) {
        text_send("e-[Input db has ");
        text_number(loaded);
        text_send(" bytes, expected ");
        text_number(INPUT_BYTES);
        text_send("]\r\n");
    } else {
        measure(runs != NULL ? number_of(runs) : 1,
                warmup != NULL ? number_of(warmup) : WARMUP_DEFAULT);
    }
}

static const struct {
    const char *name;
    void (*run)(void);
} commands[] = {
    {"name", run_name}, {"timestamp", run_timestamp}, {"profile", run_profile}, {"help", run_help},
    {"db", run_db},     {"infer", run_infer},         {"results", result_send},
};

static void dispatch(void)
{
    rest = command;
    const char *word = next_word();
    for (unsigned i = 0; word != NULL && i < sizeof commands / sizeof commands[0]; i++) {
        if (same(word, commands[i].name)) {
            commands[i].run();
            return;
        }
    }
    text_send("e-[Unknown command: ");
    text_send(word != NULL ? word : "");
    text_send("]\r\n");
}

static void send_ready(void)
{
    text_send("m-ready\r\n");
    platform_flush();
}

/* Read one command; what is longer than the buffer is cut. Returns 0 at the end of the link. */
static int receive(void)
{
    size_t length = 0;
    int byte;
    while ((byte = platform_read()) >= 0 && byte != COMMAND_END) {
        if (length < COMMAND_MAX) {
            command[length++] = (char)byte;
        }
    }
    command[length] = 0;
    return byte == COMMAND_END;
}

void link_wait(void)
{
    stopwatch_look();
}

static void send_address(uint32_t address)
{
    for (unsigned shift = 32u; shift > 0; shift -= 8u) {
        text_byte((uint8_t)(address >> (shift - 8u)));
    }
}

void link_fault(uint32_t pc, uint32_t lr)
{
    text_send("\r\ne-[Fault at pc ");
    send_address(pc);
    text_send(" lr ");
    send_address(lr);
    text_send("]\r\n");
    platform_flush();
}

void link_run(void)
{
    model_init();
    text_send(ENERGY_MODE ? "m-timestamp-mode-energy\r\n" : "m-timestamp-mode-performance\r\n");
    send_stamp(stamp());
    text_send("m-init-done\r\n");
    send_ready();
    while (receive()) {
        dispatch();
        send_ready();
    }
}
