#include "frame.h"

#include "platform.h"

#define COBS_BLOCK 0xFFu

/* CRC-32 of zlib (reflected polynomial 0xEDB88320), four bits a step. */
static uint32_t crc32(const uint8_t *data, size_t count)
{
    static const uint32_t table[16] = {
        0x00000000u, 0x1db71064u, 0x3b6e20c8u, 0x26d930acu, 0x76dc4190u, 0x6b6b51f4u,
        0x4db26158u, 0x5005713cu, 0xedb88320u, 0xf00f9344u, 0xd6d6a3e8u, 0xcb61b38cu,
        0x9b64c2b0u, 0x86d3d2d4u, 0xa00ae278u, 0xbdbdf21cu,
    };
    uint32_t crc = 0xFFFFFFFFu;
    for (size_t i = 0; i < count; i++) {
        crc ^= data[i];
        crc = (crc >> 4) ^ table[crc & 15u];
        crc = (crc >> 4) ^ table[crc & 15u];
    }
    return ~crc;
}

/* Read one frame up to its zero byte. Returns the decoded length, 0 for a frame to drop and -1 at
   the end of the link. */
static long receive_one(uint8_t *packet, size_t capacity)
{
    size_t length = 0;
    unsigned left = 0;             /* bytes before the next code byte */
    unsigned code = COBS_BLOCK;    /* the block before the first one ends without a zero */
    int sound = 1;
    for (;;) {
        int byte = platform_read();
        if (byte < 0) {
            return -1;
        }
        if (byte == 0) {
            return sound && left == 0 ? (long)length : 0;
        }
        if (left > 0) {
            left--;
        } else {
            int joined = code == COBS_BLOCK;
            code = (unsigned)byte;
            left = code - 1u;
            if (joined) {
                continue;
            }
            byte = 0;
        }
        if (length < capacity) {
            packet[length++] = (uint8_t)byte;
        } else {
            sound = 0;
        }
    }
}

size_t frame_receive(uint8_t *packet, size_t capacity)
{
    for (;;) {
        long received = receive_one(packet, capacity);
        if (received < 0) {
            return 0;
        }
        if (received > (long)FRAME_CRC_BYTES) {
            size_t length = (size_t)received - FRAME_CRC_BYTES;
            uint32_t crc = crc32(packet, length);
            const uint8_t *sent = packet + length;
            if (sent[0] == (uint8_t)crc && sent[1] == (uint8_t)(crc >> 8)
                && sent[2] == (uint8_t)(crc >> 16) && sent[3] == (uint8_t)(crc >> 24)) {
                return length;
            }
        }
    }
}

void frame_send(uint8_t *packet, size_t length)
{
    static const uint8_t end = 0;
    uint32_t crc = crc32(packet, length);
    for (unsigned i = 0; i < FRAME_CRC_BYTES; i++) {
        packet[length++] = (uint8_t)(crc >> (8u * i));
    }
    size_t at = 0;
    for (;;) {
        size_t run = 0;
        while (at + run < length && packet[at + run] != 0 && run < COBS_BLOCK - 1u) {
            run++;
        }
        uint8_t code = (uint8_t)(run + 1u);
        platform_write(&code, 1);
        platform_write(packet + at, run);
        at += run;
        if (at == length) {
            break;
        }
        if (code != COBS_BLOCK) {
            at++;    /* the zero that the code byte stands for */
        }
    }
    platform_write(&end, 1);
    platform_flush();
}
