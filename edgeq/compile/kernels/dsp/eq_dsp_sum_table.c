#include "eq_dsp_sum_table.h"

#if defined(__GNUC__) && defined(__ARM_FEATURE_DSP) && defined(__thumb2__)

/* The order is known to the assembly. */
struct fours {
    const int8_t *a, *b;
    int8_t *y;
    int32_t a_factor, b_factor, offset;
    const int8_t *middle, *end;
};

/* Elements `low` and `high` of four: r10 and r11 hold them as halves, times 256. */
#define TWO(low, high)             \
    "smlawb r12, r3, r10, r5\n"    \
    "smlawt lr, r3, r10, r5\n"     \
    "smlawb r12, r4, r11, r12\n"   \
    "smlawt lr, r4, r11, lr\n"     \
    "ssat r12, #8, r12, asr #21\n" \
    "ssat lr, #8, lr, asr #21\n"   \
    "ldrb r12, [r6, r12]\n"        \
    "ldrb lr, [r6, lr]\n"          \
    "strb lr, " high "\n"          \
    "strb r12, " low "\n"

/* Four elements at a time; returns how many are done. */
static int32_t sum_fours(const struct eq_dsp_sum *s, const int8_t *middle, const int8_t *a,
                         const int8_t *b, int8_t *y)
{
    const int32_t count = s->count & ~3;
    const struct fours fours = {a, b, y, s->a_factor, s->b_factor, s->offset, middle, a + count};
    register const struct fours *p __asm__("r0") = &fours;
    if (count > 0) {
        __asm__ volatile("push {r4-r11, lr}\n"
                         "ldm r0, {r0-r7}\n"
                         "push {r7}\n"
                         "mov r7, #0xff00ff00\n"
                         "1:\n"
                         "ldr r8, [r0], #4\n"
                         "ldr r9, [r1], #4\n"
                         "and r10, r7, r8\n"
                         "and r11, r7, r9\n" TWO("[r2, #1]", "[r2, #3]")
                         "and r10, r7, r8, lsl #8\n"
                         "and r11, r7, r9, lsl #8\n" TWO("[r2], #4", "[r2, #2]")
                         "ldr r8, [sp]\n"
                         "cmp r0, r8\n"
                         "bne 1b\n"
                         "pop {r3}\n"
                         "pop {r4-r11, lr}\n"
                         : "+r"(p)
                         :
                         : "r1", "r2", "r3", "r12", "cc", "memory");
    }
    return count;
}
#else
static int32_t sum_fours(const struct eq_dsp_sum *s, const int8_t *middle, const int8_t *a,
                         const int8_t *b, int8_t *y)
{
    (void)s;
    (void)middle;
    (void)a;
    (void)b;
    (void)y;
    return 0;
}
#endif

void eq_dsp_sum_table(const struct eq_dsp_sum_table *layer, const int8_t *a, const int8_t *b,
                      int8_t *y)
{
    const int8_t *const middle = layer->table + 128;
    int32_t i;
    for (i = sum_fours(&layer->sum, middle, a, b, y); i < layer->sum.count; i++) {
        y[i] = middle[eq_dsp_sum_of(&layer->sum, a[i], b[i])];
    }
}
