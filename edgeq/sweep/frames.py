"""Messages on a pipe: eight bytes of length, big-endian, then the bytes."""

from __future__ import annotations

import struct
from typing import IO

HEAD = struct.Struct(">Q")
MAX_BYTES = 1 << 31


def pack(message: bytes) -> bytes:
    """Return the frame of a message."""
    return HEAD.pack(len(message)) + message


def read_frame(pipe: IO[bytes]) -> bytes | None:
    """Return the next message, None at the end of the pipe or where it breaks off."""
    head = pipe.read(HEAD.size)
    if len(head) < HEAD.size:
        return None
    (size,) = HEAD.unpack(head)
    message = pipe.read(size) if size <= MAX_BYTES else b""
    return message if len(message) == size else None


class Unpacker:
    """Puts messages together from pieces of any size.

    Raises:
        ValueError: from `take`: a length beyond what any message has.
    """

    def __init__(self) -> None:
        self._pending = bytearray()

    def feed(self, data: bytes) -> None:
        """Add what arrived."""
        self._pending += data

    def take(self) -> bytes | None:
        """Return the next whole message, None where it is not there yet."""
        if len(self._pending) < HEAD.size:
            return None
        (size,) = HEAD.unpack_from(self._pending)
        if size > MAX_BYTES:
            raise ValueError(f"a message of {size:,} bytes")
        if len(self._pending) < HEAD.size + size:
            return None
        message = bytes(self._pending[HEAD.size : HEAD.size + size])
        del self._pending[: HEAD.size + size]
        return message
