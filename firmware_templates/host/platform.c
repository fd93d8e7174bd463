/* A program that speaks with its host on the standard streams. */
#define _POSIX_C_SOURCE 200809L

#include "platform.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "config.h"
#include "link.h"

static uint32_t stack[STACK_BYTES / 4u] __attribute__((aligned(4096)));

uint32_t *platform_stack_bottom(void)
{
    return stack;
}

uint32_t *platform_stack_top(void)
{
    return stack + sizeof stack / sizeof stack[0];
}

int platform_read(void)
{
    int byte = getchar();
    return byte == EOF ? -1 : byte;
}

void platform_write(const uint8_t *data, size_t count)
{
    fwrite(data, 1, count, stdout);
}

void platform_flush(void)
{
    fflush(stdout);
}

void platform_counters(uint64_t *values)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    values[0] = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void platform_gate(int level)
{
    (void)level;
}

static void *run(void *unused)
{
    link_run();
    return unused;
}

/* The link runs in a thread whose stack is known, so that its use can be measured. */
int main(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0
        || pthread_attr_setstack(&attributes, stack, sizeof stack) != 0
        || pthread_create(&thread, &attributes, run, NULL) != 0) {
        fputs("cannot start the thread of the model\n", stderr);
        return 1;
    }
    return pthread_join(thread, NULL);
}
