/* Counts instructions and cycles at each basic block; called by Unicorn's UC_HOOK_BLOCK. */
#include <stdint.h>

typedef struct {
    uint32_t size, instructions, cycles;
} block_t;

typedef struct {
    uint32_t start, size;
    block_t *blocks; /* one for each halfword of the region */
} region_t;

typedef struct {
    uint64_t instructions, cycles;
    uint32_t next;   /* where the last block ends: a block elsewhere was branched to */
    uint32_t refill; /* cycles of a taken branch */
    void (*learn)(uint32_t address, uint32_t size, block_t *block);
    uint32_t region_count;
    region_t regions[8];
} counter_t;

#if defined(_WIN32)
__declspec(dllexport)
#else
__attribute__((visibility("default")))
#endif
void edgeq_count_block(void *uc, uint64_t address, uint32_t size, void *user)
{
    counter_t *counter = user;
    uint32_t start = (uint32_t)address;
    (void)uc;
    for (uint32_t i = 0; i < counter->region_count; i++) {
        region_t *region = &counter->regions[i];
        if (start - region->start >= region->size) {
            continue;
        }
        block_t *block = &region->blocks[(start - region->start) >> 1];
        if (block->size != size) {
            counter->learn(start, size, block);
        }
        counter->instructions += block->instructions;
        counter->cycles += block->cycles;
        break;
    }
    if (start != counter->next) {
        counter->cycles += counter->refill;
    }
    counter->next = start + size;
}
