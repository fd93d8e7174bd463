"""Frames on the wire: COBS(packet || CRC-32), closed by one zero byte (docs/link-protocol.md).

COBS: S. Cheshire and M. Baker, "Consistent Overhead Byte Stuffing", IEEE/ACM Transactions on
Networking 7(2), 1999. CRC-32: the one of zlib.
"""

from __future__ import annotations

import zlib

MAX_PACKET = 1024
CRC_BYTES = 4
# A COBS code byte covers at most 254 bytes of data.
MAX_ENCODED = MAX_PACKET + CRC_BYTES + (MAX_PACKET + CRC_BYTES) // 254 + 1


def encode_cobs(data: bytes) -> bytes:
    """Return `data` without zero bytes, at most one byte in 254 longer plus one."""
    out = bytearray()
    runs = data.split(b"\0")
    for number, run in enumerate(runs):
        start = 0
        while len(run) - start >= 254:
            out.append(255)
            out += run[start : start + 254]
            start += 254
        # A last run that ended in a full code byte needs no empty one after it.
        if start == 0 or start < len(run) or number < len(runs) - 1:
            out.append(len(run) - start + 1)
            out += run[start:]
    return bytes(out)


def decode_cobs(data: bytes) -> bytes | None:
    """Return what `encode_cobs` was given, None where `data` is no such encoding."""
    if not data or 0 in data:
        return None
    out = bytearray()
    start = 0
    while start < len(data):
        code = data[start]
        stop = start + code
        if stop > len(data):
            return None
        out += data[start + 1 : stop]
        if code < 255 and stop < len(data):
            out.append(0)
        start = stop
    return bytes(out)


def encode_frame(packet: bytes) -> bytes:
    """Return the frame of a packet of at most 1,024 bytes, closed by its zero byte."""
    if len(packet) > MAX_PACKET:
        raise ValueError(f"packet of {len(packet)} bytes, at most {MAX_PACKET} fit a frame")
    return encode_cobs(packet + zlib.crc32(packet).to_bytes(CRC_BYTES, "little")) + b"\0"


def decode_frame(encoded: bytes) -> bytes | None:
    """Return the packet of a frame (without its zero byte), None where COBS or CRC is wrong."""
    raw = decode_cobs(encoded)
    if raw is None or not CRC_BYTES < len(raw) <= MAX_PACKET + CRC_BYTES:
        return None
    packet, crc = raw[:-CRC_BYTES], raw[-CRC_BYTES:]
    return packet if zlib.crc32(packet).to_bytes(CRC_BYTES, "little") == crc else None


class FrameDecoder:
    """Finds frames in a stream of bytes, whatever lies between them. Holds at most one frame.

    `noise` counts the bytes that were no frame; `sample` keeps the first of them for messages.
    """

    def __init__(self) -> None:
        self._pending = bytearray()
        self._overflowed = False
        self.noise = 0
        self.sample = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the packets that `data` completes."""
        packets: list[bytes] = []
        *closed, rest = data.split(b"\0")
        for part in closed:
            self._append(part)
            self._close(packets)
        self._append(rest)
        return packets

    def clear_noise(self) -> None:
        """Start counting noise from zero."""
        self.noise = 0
        self.sample = b""

    def _append(self, part: bytes) -> None:
        if self._overflowed or len(self._pending) + len(part) > MAX_ENCODED:
            self._drop(bytes(self._pending) + part)
            self._pending.clear()
            self._overflowed = True
        else:
            self._pending += part

    def _close(self, packets: list[bytes]) -> None:
        encoded, self._overflowed = bytes(self._pending), False
        self._pending.clear()
        packet = decode_frame(encoded) if encoded else None
        if packet is not None:
            packets.append(packet)
        else:
            self._drop(encoded)

    def _drop(self, data: bytes) -> None:
        self.noise += len(data)
        self.sample = (self.sample + data[: 64 - len(self.sample)])[:64]
