/* Frames: COBS(packet || CRC-32) and one zero byte. See docs/link-protocol.md of edgeq. */
#ifndef FRAME_H
#define FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_CRC_BYTES 4u

/* Wait for the next sound packet and return its length without the CRC; 0 at the end of the link.
   Empty, damaged and over-long frames are dropped. `capacity` includes room for the CRC. */
size_t frame_receive(uint8_t *packet, size_t capacity);

/* Send `length` bytes of `packet`, which has room for FRAME_CRC_BYTES behind them. */
void frame_send(uint8_t *packet, size_t length);

#endif
