#include "link.h"

#include <string.h>

#include "config.h"
#include "frame.h"
#include "platform.h"
#include "stack.h"

#define PROTOCOL_VERSION 1u
#define HEADER_BYTES 6u
#define BODY_MAX (PACKET_MAX - HEADER_BYTES)

enum {
    HELLO = 0x01, WRITE = 0x02, INVOKE = 0x03, READ = 0x04, STATS = 0x05, TRACE = 0x06,
    RESET_STACK = 0x07, HELLO_ANSWER = 0x81, DONE = 0x82, DATA = 0x84, STATS_ANSWER = 0x85,
    SAMPLE = 0x90, LAYER = 0x91, LAYER_END = 0x92, ERROR = 0xFF
};

enum {
    UNKNOWN_TYPE = 1, NO_SUCH_PORT = 2, OUT_OF_RANGE = 3, WRONG_SESSION = 4, NOT_TRACED = 5,
    MODEL_REFUSED = 6, FAULT = 7
};

static uint8_t request[PACKET_MAX + FRAME_CRC_BYTES];
static uint8_t answer[PACKET_MAX + FRAME_CRC_BYTES];
static size_t filled;         /* bytes of `answer` in use */
static uint16_t session;      /* 0 until the host says HELLO */
static uint16_t sequence;     /* of the request in work */

/* The host's inputs: an inference may overwrite the model's own, every run starts from these. */
static uint8_t inputs[MODEL_INPUT_TOTAL_BYTES];
static const uint32_t input_bytes[MODEL_INPUTS] = MODEL_INPUT_BYTES;
static const uint32_t output_bytes[MODEL_OUTPUTS] = MODEL_OUTPUT_BYTES;

/* --- writing an answer --- */

static void put(uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        answer[filled++] = (uint8_t)(value >> (8u * i));
    }
}

static void put_bytes(const void *data, size_t count)
{
    memcpy(answer + filled, data, count);
    filled += count;
}

static void put_string(const char *text)
{
    size_t count = 0;
    while (text[count] != 0) {
        count++;
    }
    put(count, 1);
    put_bytes(text, count);
}

static void put_counters(const uint64_t *start, const uint64_t *end)
{
    for (unsigned i = 0; i < COUNTERS; i++) {
        put(start[i], 8);
        put(end[i], 8);
    }
}

static void begin(unsigned type)
{
    filled = 0;
    put(PROTOCOL_VERSION, 1);
    put(type, 1);
    put(session, 2);
    put(sequence, 2);
}

static void send(void)
{
    frame_send(answer, filled);
}

static void send_done(void)
{
    begin(DONE);
    send();
}

static void send_error(unsigned code, const char *text)
{
    begin(ERROR);
    put(code, 1);
    for (; *text != 0; text++) {
        put((uint8_t)*text, 1);
    }
    send();
}

static void send_hello(void)
{
    static const uint8_t sha256[32] = MODEL_SHA256;
    static const char *const counter_names[COUNTERS] = COUNTER_NAMES;
    begin(HELLO_ANSWER);
    put(PACKET_MAX, 2);
    put(MODEL_TRACED | 2u, 1);
    put(COUNTERS, 1);
    put(COUNTER_BITS, 1);
    put(COUNTER_HZ, 8);
    put(MODEL_ARENA_BYTES, 4);
    put(MODEL_INPUTS, 1);
    for (unsigned i = 0; i < MODEL_INPUTS; i++) {
        put(input_bytes[i], 4);
    }
    put(MODEL_OUTPUTS, 1);
    for (unsigned i = 0; i < MODEL_OUTPUTS; i++) {
        put(output_bytes[i], 4);
    }
    put_bytes(sha256, sizeof sha256);
    put_string(FIRMWARE_VERSION);
    put_string(MODEL_NAME);
    put_string(BOARD_ID);
    for (unsigned i = 0; i < COUNTERS; i++) {
        put_string(counter_names[i]);
    }
    send();
}

/* --- running the model --- */

static void load_inputs(void)
{
    const uint8_t *from = inputs;
    for (unsigned i = 0; i < MODEL_INPUTS; i++) {
        memcpy(model_input(i), from, input_bytes[i]);
        from += input_bytes[i];
    }
}

/* The gate is high while the model runs: not while its inputs are loaded or the stack is checked. */
static void run_model(uint64_t *start, uint64_t *end)
{
    load_inputs();
    stack_paint();
    platform_gate(1);
    platform_counters(start);
    model_invoke();
    platform_counters(end);
    platform_gate(0);
    stack_measure();
}

#if MODEL_TRACED

static enum { SILENT, COUNTS, BYTES } tracing = SILENT;
static uint64_t layer_start[COUNTERS];

static void send_layer_bytes(unsigned layer, const uint8_t *data, size_t bytes)
{
    const size_t most = BODY_MAX - 6u;
    for (size_t at = 0; at < bytes; at += most) {
        begin(LAYER);
        put(layer, 2);
        put(at, 4);
        put_bytes(data + at, bytes - at < most ? bytes - at : most);
        send();
    }
}

/* Called by the model after each layer; what it sends is outside every layer's time. */
void model_layer_done(unsigned layer, const void *data, size_t bytes)
{
    uint64_t end[COUNTERS];
    if (tracing == SILENT) {
        return;
    }
    platform_counters(end);
    if (tracing == BYTES) {
        send_layer_bytes(layer, data, bytes);
    }
    begin(LAYER_END);
    put(layer, 2);
    put(bytes, 4);
    put_counters(layer_start, end);
    send();
    platform_counters(layer_start);
}

#endif

/* --- requests: each handler gets the body --- */

static uint32_t get(const uint8_t *from, unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = bytes; i-- > 0;) {
        value = (value << 8) | from[i];
    }
    return value;
}

static void handle_write(const uint8_t *body, size_t length)
{
    uint8_t *to = inputs;
    uint32_t offset = get(body + 1, 4);
    uint32_t count = (uint32_t)(length - 5u);
    if (body[0] >= MODEL_INPUTS) {
        send_error(NO_SUCH_PORT, "no such input");
        return;
    }
    if (offset > input_bytes[body[0]] || count > input_bytes[body[0]] - offset) {
        send_error(OUT_OF_RANGE, "outside the input");
        return;
    }
    for (unsigned i = 0; i < body[0]; i++) {
        to += input_bytes[i];
    }
    memcpy(to + offset, body + 5, count);
    send_done();
}

static void handle_invoke(const uint8_t *body, size_t length)
{
    uint64_t start[COUNTERS], end[COUNTERS];
    uint32_t warmup = get(body, 4), runs = get(body + 4, 4);
    (void)length;
    for (uint32_t i = 0; i < warmup; i++) {
        run_model(start, end);
    }
    for (uint32_t i = 0; i < runs; i++) {
        run_model(start, end);
        begin(SAMPLE);
        put(i, 4);
        put_counters(start, end);
        send();
    }
    send_done();
}

static void handle_read(const uint8_t *body, size_t length)
{
    uint32_t offset = get(body + 1, 4), count = get(body + 5, 2);
    (void)length;
    if (body[0] >= MODEL_OUTPUTS) {
        send_error(NO_SUCH_PORT, "no such output");
        return;
    }
    if (offset > output_bytes[body[0]] || count > output_bytes[body[0]] - offset
        || count > BODY_MAX) {
        send_error(OUT_OF_RANGE, "outside the output");
        return;
    }
    begin(DATA);
    put_bytes((const uint8_t *)model_output(body[0]) + offset, count);
    send();
}

static void handle_stats(const uint8_t *body, size_t length)
{
    uint64_t start[COUNTERS], end[COUNTERS];
    (void)body;
    (void)length;
    platform_counters(start);
    platform_counters(end);
    begin(STATS_ANSWER);
    put(stack_high_water(), 4);
    put(stack_reserved(), 4);
    for (unsigned i = 0; i < COUNTERS; i++) {
        put((end[i] - start[i]) & COUNTER_MASK, 8);
    }
    send();
}

static void handle_trace(const uint8_t *body, size_t length)
{
    (void)length;
#if MODEL_TRACED
    load_inputs();
    stack_paint();
    tracing = (body[0] & 1u) != 0 ? BYTES : COUNTS;
    platform_counters(layer_start);
    model_invoke();
    tracing = SILENT;
    stack_measure();
    send_done();
#else
    (void)body;
    send_error(NOT_TRACED, "this firmware was not built with tracing");
#endif
}

static void handle_reset_stack(const uint8_t *body, size_t length)
{
    (void)body;
    (void)length;
    stack_reset();
    send_done();
}

static const struct {
    uint8_t type;
    uint8_t shortest, open_ended;    /* bytes of the body; more are allowed where open-ended */
    void (*handle)(const uint8_t *body, size_t length);
} requests[] = {
    {WRITE, 5, 1, handle_write},   {INVOKE, 8, 0, handle_invoke},
    {READ, 7, 0, handle_read},     {STATS, 0, 0, handle_stats},
    {TRACE, 1, 0, handle_trace},   {RESET_STACK, 0, 0, handle_reset_stack},
};

static void dispatch(unsigned type, const uint8_t *body, size_t length)
{
    for (unsigned i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        if (requests[i].type != type) {
            continue;
        }
        if (length < requests[i].shortest
            || (length > requests[i].shortest && !requests[i].open_ended)) {
            send_error(OUT_OF_RANGE, "body of the wrong length");
        } else {
            requests[i].handle(body, length);
        }
        return;
    }
    send_error(UNKNOWN_TYPE, "unknown request");
}

static void answer_request(size_t length)
{
    uint16_t wanted = (uint16_t)get(request + 2, 2);
    sequence = (uint16_t)get(request + 4, 2);
    if (request[0] != PROTOCOL_VERSION) {
        send_error(UNKNOWN_TYPE, "this board speaks version 1 of the protocol");
    } else if (request[1] == HELLO && wanted != 0) {
        session = wanted;
        model_init(); /* a session begins without the state of the one before */
        send_hello();
    } else if (wanted != session || session == 0) {
        send_error(WRONG_SESSION, "no such session");
    } else {
        dispatch(request[1], request + HEADER_BYTES, length - HEADER_BYTES);
    }
}

void link_wait(void)
{
}

void link_fault(uint32_t pc, uint32_t lr)
{
    static const char digits[] = "0123456789abcdef";
    char text[] = "fault at pc 0x00000000 lr 0x00000000";
    for (unsigned i = 0; i < 8; i++) {
        text[21 - i] = digits[(pc >> (4u * i)) & 15u];
        text[35 - i] = digits[(lr >> (4u * i)) & 15u];
    }
    static const uint8_t end = 0;
    platform_write(&end, 1);    /* whatever frame was half sent ends here */
    send_error(FAULT, text);
}

void link_run(void)
{
    size_t length;
    model_init();
    send_hello();
    while ((length = frame_receive(request, sizeof request)) != 0) {
        if (length >= HEADER_BYTES) {
            answer_request(length);
        }
    }
}
