"""Packets: the header, the requests, and the answers as frozen records (docs/link-protocol.md).

Everything from a device is checked here: a body that does not hold together is a BadAnswer.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from edgeq.core.errors import one_line
from edgeq.core.records import Record

VERSION = 1
HEADER = struct.Struct("<BBHH")

MAX_COUNTERS = 8
MAX_PORTS = 16
# All inputs, all outputs, or all layers together: far beyond any board, and no strain for a host.
MAX_PORT_BYTES = 16 << 20
MIN_PACKET = 64


class Type(IntEnum):
    """Types of packets."""

    HELLO = 0x01
    WRITE = 0x02
    INVOKE = 0x03
    READ = 0x04
    STATS = 0x05
    TRACE = 0x06
    RESET_STACK = 0x07
    HELLO_ANSWER = 0x81
    DONE = 0x82
    DATA = 0x84
    STATS_ANSWER = 0x85
    SAMPLE = 0x90
    LAYER = 0x91
    LAYER_END = 0x92
    LOG = 0xFE
    ERROR = 0xFF


class Packet(NamedTuple):
    """A packet: its header without the version, and its body."""

    type: int
    session: int
    sequence: int
    body: bytes


class BadAnswer(Exception):
    """An answer of the device that does not hold together; the text says what is wrong."""


class Hello(Record, frozen=True, kw_only=True):
    """What a board says of itself.

    `counters` are the names of its counters, `width` their width in bits, `counter_hz` the
    frequency of the first one; `input_bytes` and `output_bytes` the size of each port.
    """

    max_packet: int
    traced: bool
    width: int
    counter_hz: int
    arena_bytes: int
    input_bytes: tuple[int, ...]
    output_bytes: tuple[int, ...]
    model_sha256: str
    firmware_version: str
    model_name: str
    board_id: str
    counters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Span:
    """Index of a run or layer, and for each counter its raw ticks between start and end."""

    index: int
    ticks: tuple[int, ...]


class Stats(Record, frozen=True, kw_only=True):
    """Stack bytes touched and reserved; for each counter, the ticks that measuring itself takes."""

    stack_high_water: int
    stack_reserved: int
    overhead: dict[str, int]


def encode_packet(packet: Packet) -> bytes:
    """Return the bytes of a packet."""
    return HEADER.pack(VERSION, packet.type, packet.session, packet.sequence) + packet.body


def parse_packet(raw: bytes) -> Packet | None:
    """Return the packet, None where it is too short or of another protocol version."""
    if len(raw) < HEADER.size or raw[0] != VERSION:
        return None
    _, kind, session, sequence = HEADER.unpack_from(raw)
    return Packet(kind, session, sequence, raw[HEADER.size :])


class _Body:
    """Reads a body from left to right; raises BadAnswer where it is too short."""

    def __init__(self, body: bytes, what: str) -> None:
        self._body, self._at, self._what = body, 0, what

    def take(self, layout: str) -> tuple[int, ...]:
        size = struct.calcsize(layout)
        return struct.unpack(layout, self.raw(size))

    def raw(self, count: int) -> bytes:
        part = self._body[self._at : self._at + count]
        if len(part) != count:
            raise BadAnswer(f"{self._what} ends after {len(self._body)} bytes")
        self._at += count
        return part

    def text(self) -> str:
        (length,) = self.take("<B")
        return one_line(self.raw(length).decode("utf-8", "replace"))

    def end(self) -> None:
        if self._at != len(self._body):
            raise BadAnswer(f"{self._what} has {len(self._body) - self._at} bytes too many")


def parse_hello(body: bytes) -> Hello:
    """Return what the board says of itself; raise BadAnswer where it cannot be true."""
    fields = _Body(body, "HELLO")
    max_packet, flags, count, width, hz, arena = fields.take("<HBBBQI")
    inputs = _port_sizes(fields, "inputs")
    outputs = _port_sizes(fields, "outputs")
    sha = fields.raw(32).hex()
    version, model, board = (fields.text() for _ in range(3))
    if not 1 <= count <= MAX_COUNTERS:
        raise BadAnswer(f"HELLO announces {count} counters")
    counters = tuple(fields.text() for _ in range(count))
    fields.end()
    if len(set(counters)) != count or "" in counters:
        raise BadAnswer(f"HELLO names its counters {', '.join(counters)!r}")
    if not 16 <= width <= 64:
        raise BadAnswer(f"HELLO announces counters of {width} bits")
    if hz == 0:
        raise BadAnswer("HELLO announces a counter of 0 Hz")
    if max_packet < MIN_PACKET:
        raise BadAnswer(f"HELLO announces packets of at most {max_packet} bytes")
    if not flags & 2:
        raise BadAnswer("HELLO announces a big-endian board")
    return Hello(
        max_packet=max_packet, traced=bool(flags & 1), width=width, counter_hz=hz,
        arena_bytes=arena, input_bytes=inputs, output_bytes=outputs, model_sha256=sha,
        firmware_version=version, model_name=model, board_id=board, counters=counters,
    )  # fmt: skip


def _port_sizes(fields: _Body, what: str) -> tuple[int, ...]:
    (count,) = fields.take("<B")
    if not 1 <= count <= MAX_PORTS:
        raise BadAnswer(f"HELLO announces {count} {what}")
    sizes = fields.take(f"<{count}I")
    if not all(sizes) or sum(sizes) > MAX_PORT_BYTES:
        raise BadAnswer(f"HELLO announces {what} of {', '.join(map(str, sizes))} bytes")
    return sizes


def parse_stats(body: bytes, hello: Hello) -> Stats:
    """Return the board's STATS; raise BadAnswer where they cannot be true."""
    fields = _Body(body, "STATS")
    high_water, reserved = fields.take("<II")
    overhead = fields.take(f"<{len(hello.counters)}Q")
    fields.end()
    if high_water > reserved:
        raise BadAnswer(f"STATS tells of {high_water} stack bytes touched of {reserved}")
    if any(ticks >> hello.width for ticks in overhead):
        raise BadAnswer(f"STATS tells of ticks beyond {hello.width} bits")
    return Stats(
        stack_high_water=high_water,
        stack_reserved=reserved,
        overhead=dict(zip(hello.counters, overhead, strict=True)),
    )


def parse_sample(body: bytes, hello: Hello) -> Span:
    """Return run index and ticks (end - start, modulo the counters' width) of a SAMPLE."""
    fields = _Body(body, "SAMPLE")
    (index,) = fields.take("<I")
    ticks = _ticks(fields, hello)
    fields.end()
    return Span(index, ticks)


def parse_layer(body: bytes) -> tuple[int, int, bytes]:
    """Return layer, offset and bytes of a LAYER."""
    fields = _Body(body, "LAYER")
    layer, offset = fields.take("<HI")
    return layer, offset, body[6:]


def parse_layer_end(body: bytes, hello: Hello) -> tuple[Span, int]:
    """Return layer and ticks, and the bytes of the layer's output, of a LAYER_END."""
    fields = _Body(body, "LAYER_END")
    layer, size = fields.take("<HI")
    ticks = _ticks(fields, hello)
    fields.end()
    if size > MAX_PORT_BYTES:
        raise BadAnswer(f"LAYER_END tells of {size} bytes")
    return Span(layer, ticks), size


def _ticks(fields: _Body, hello: Hello) -> tuple[int, ...]:
    pairs = fields.take(f"<{2 * len(hello.counters)}Q")
    if any(value >> hello.width for value in pairs):
        raise BadAnswer(f"a counter reads beyond its {hello.width} bits")
    modulus = 1 << hello.width
    return tuple(
        (end - start) % modulus for start, end in zip(pairs[::2], pairs[1::2], strict=True)
    )


def parse_error(body: bytes) -> tuple[int, str]:
    """Return code and text of an ERROR."""
    fields = _Body(body, "ERROR")
    (code,) = fields.take("<B")
    return code, one_line(body[1:].decode("utf-8", "replace"))
