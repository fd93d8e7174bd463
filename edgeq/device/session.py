"""A session with a board: write inputs, run the model, read outputs, counters and layers."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.framing import MAX_PACKET
from edgeq.device.link import Deadlines, Link
from edgeq.device.packets import (
    HEADER,
    MAX_PORT_BYTES,
    BadAnswer,
    Hello,
    Packet,
    Span,
    Stats,
    Type,
    parse_hello,
    parse_layer,
    parse_layer_end,
    parse_sample,
    parse_stats,
)
from edgeq.device.streams import Stream

# Ticks by counter name, already the difference of end and start modulo the counter's width.
Counters = dict[str, int]

MAX_LAYERS = 4096
MAX_RUNS = 1_000_000


@dataclass(frozen=True, slots=True)
class LayerTrace:
    """One layer of a traced run: its output's bytes (None where not asked for), its ticks."""

    layer: int
    data: bytes | None
    counters: Counters


class BoardSession:
    """An open session. Use it as a context manager: closing gives port and process back.

    Every method raises DeviceError when the board is gone, reboots, falls silent or lies.
    """

    def __init__(self, stream: Stream, deadlines: Deadlines | None = None) -> None:
        self._link = Link(stream, deadlines)
        try:
            self.hello: Hello = self._ask_hello()
        except BaseException:
            self._link.close()
            raise

    def __enter__(self) -> BoardSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the link. May be called twice."""
        self._link.close()

    @property
    def logs(self) -> tuple[str, ...]:
        """What the firmware logged so far, at most the last 1,000 lines, control bytes visible."""
        return tuple(self._link.logs)

    def write_input(self, index: int, data: bytes) -> None:
        """Write all bytes of input `index`; raise UsageError where its size is another."""
        size = _port_size(self.hello.input_bytes, index, "input")
        if len(data) != size:
            raise UsageError(
                f"input {index} of the board's model takes {size} bytes, not {len(data)}",
                hint="quantise the sample for this model's input first",
            )
        step = self._payload - 5
        for offset in range(0, size, step):
            body = struct.pack("<BI", index, offset) + data[offset : offset + step]
            self._link.request(Type.WRITE, body, _is_done)

    def read_output(self, index: int) -> bytes:
        """Return all bytes of output `index`."""
        size = _port_size(self.hello.output_bytes, index, "output")
        out = bytearray()
        while len(out) < size:
            count = min(self._payload, size - len(out))
            out += self._read(index, len(out), count)
        return bytes(out)

    def invoke(self, warmup: int, runs: int) -> list[Counters]:
        """Run the model `warmup` times unmeasured, then `runs` times; return each run's ticks.

        Ticks include the cost of reading the counters (`stats().overhead`).

        Raises:
            UsageError: a negative number of runs.
            DeviceError: also where a run lasted longer than the board's counter can hold.
        """
        if not (0 <= warmup <= MAX_RUNS and 0 <= runs <= MAX_RUNS):
            raise UsageError(
                f"{warmup} warm-up runs and {runs} runs", hint=f"choose 0 to {MAX_RUNS:,}"
            )
        if warmup:
            # Nothing is heard of warm-up runs until the last is done.
            wait = self._link.deadlines.invoke_s * warmup
            self._link.request(Type.INVOKE, struct.pack("<II", warmup, 0), _is_done, quiet_s=wait)
        for _ in range(self._link.deadlines.tries):
            samples = _Samples(self.hello, runs)
            self._ask(Type.INVOKE, struct.pack("<II", 0, runs), samples.collect)
            if samples.complete:
                return [self._name(span) for span in samples]
        raise _lost("samples")

    def invoke_quietly(self, runs: int, *, timeout_s: float) -> None:
        """Run the model `runs` times back to back, with no traffic on the link until all are done.

        The request is sent once: a lost answer never makes the board run more than was asked for.

        Raises:
            UsageError: more runs than one request takes.
            DeviceError: no answer within `timeout_s`, or the board is gone.
        """
        if not 0 <= runs <= MAX_RUNS:
            raise UsageError(f"{runs} runs", hint=f"choose 0 to {MAX_RUNS:,}")
        body = struct.pack("<II", runs, 0)
        self._link.request(Type.INVOKE, body, _is_done, quiet_s=timeout_s, tries=1)

    def stats(self) -> Stats:
        """Return the stack's high-water mark and the overhead of reading the counters."""
        found: list[Stats] = []

        def collect(packet: Packet) -> bool | None:
            if packet.type != Type.STATS_ANSWER:
                return None
            found.append(parse_stats(packet.body, self.hello))
            return True

        self._link.request(Type.STATS, b"", collect)
        return found[0]

    def trace(self, with_bytes: bool = True, layers: int | None = None) -> list[LayerTrace]:
        """Run the model once, layer by layer; needs a traced firmware.

        Args:
            layers: how many layers the plan has, where known: a lost last one is noticed.
        """
        if not self.hello.traced:
            raise DeviceError(
                "the firmware on the board is not a traced one",
                hint="build and flash a traced firmware",
            )
        for _ in range(self._link.deadlines.tries):
            found = _Layers(self.hello, with_bytes)
            self._ask(Type.TRACE, bytes([with_bytes]), found.collect)
            if found.is_complete(layers):
                return [LayerTrace(span.index, data, self._name(span)) for span, data in found]
        raise _lost("layers")

    def reset_stack(self) -> None:
        """Paint the free stack again: the high-water mark starts anew."""
        self._link.request(Type.RESET_STACK, b"", _is_done)

    @property
    def _payload(self) -> int:
        return min(self.hello.max_packet, MAX_PACKET) - HEADER.size

    def _ask_hello(self) -> Hello:
        found: list[Hello] = []

        def collect(packet: Packet) -> bool | None:
            if packet.type != Type.HELLO_ANSWER:
                return None
            found.append(parse_hello(packet.body))
            return True

        self._link.request(Type.HELLO, b"", collect)
        return found[0]

    def _ask(self, kind: Type, body: bytes, collect: Callable[[Packet], bool | None]) -> None:
        self._link.request(kind, body, collect, quiet_s=self._link.deadlines.invoke_s)

    def _read(self, index: int, offset: int, count: int) -> bytes:
        found: list[bytes] = []

        def collect(packet: Packet) -> bool | None:
            if packet.type != Type.DATA:
                return None
            if len(packet.body) != count:
                raise BadAnswer(f"DATA has {len(packet.body)} bytes, {count} were asked for")
            found.append(packet.body)
            return True

        self._link.request(Type.READ, struct.pack("<BIH", index, offset, count), collect)
        return found[0]

    def _name(self, span: Span) -> Counters:
        return dict(zip(self.hello.counters, span.ticks, strict=True))


class _WrapGuard:
    """Notices a counter that went round: what took longer than its period has any ticks."""

    def __init__(self, hello: Hello) -> None:
        self._width, self._hz = hello.width, hello.counter_hz
        self._last = time.monotonic()

    def check(self) -> None:
        """Raise DeviceError where more than a period has passed since the last check."""
        now = time.monotonic()
        elapsed, self._last = now - self._last, now
        period = (1 << self._width) / self._hz
        if self._width < 64 and elapsed >= period:
            raise DeviceError(
                f"a run took {elapsed:.1f} s, longer than the board's {self._width}-bit"
                f" counter at {self._hz:,} Hz holds ({period:.1f} s)",
                hint="measure a smaller model, or build with a slower or wider counter",
            )


class _Samples:
    """Collects the SAMPLEs of one INVOKE, each run once, and checks that no counter wrapped."""

    def __init__(self, hello: Hello, runs: int) -> None:
        self._hello, self._runs = hello, runs
        self._found: dict[int, Span] = {}
        self._clock = _WrapGuard(hello)

    def __iter__(self) -> Iterator[Span]:
        return (self._found[i] for i in range(self._runs))

    @property
    def complete(self) -> bool:
        return len(self._found) == self._runs

    def collect(self, packet: Packet) -> bool | None:
        if packet.type == Type.DONE:
            return True
        if packet.type != Type.SAMPLE:
            return None
        span = parse_sample(packet.body, self._hello)
        if span.index >= self._runs:
            raise BadAnswer(f"SAMPLE of run {span.index}, {self._runs} were asked for")
        self._clock.check()
        if span.index in self._found:
            return None
        self._found[span.index] = span
        return False


class _Layers:
    """Collects the layers of one TRACE in order; a lost frame leaves it incomplete."""

    def __init__(self, hello: Hello, with_bytes: bool) -> None:
        self._hello, self._with_bytes = hello, with_bytes
        self._done: list[tuple[Span, bytes | None]] = []
        self._data = bytearray()
        self._total = 0
        self._torn = False
        self._clock = _WrapGuard(hello)

    def __iter__(self) -> Iterator[tuple[Span, bytes | None]]:
        return iter(self._done)

    def is_complete(self, layers: int | None) -> bool:
        whole = layers is None or layers == len(self._done)
        return whole and not self._torn and not self._data

    def collect(self, packet: Packet) -> bool | None:
        if packet.type == Type.DONE:
            return True
        self._clock.check()
        if packet.type == Type.LAYER:
            return self._add_bytes(*parse_layer(packet.body))
        if packet.type == Type.LAYER_END:
            return self._end_layer(*parse_layer_end(packet.body, self._hello))
        return None

    def _add_bytes(self, layer: int, offset: int, data: bytes) -> bool | None:
        if layer != len(self._done) or offset != len(self._data):
            self._torn = True
            return None
        self._total += len(data)
        if not data or self._total > MAX_PORT_BYTES:
            raise BadAnswer(f"LAYER {layer} sends {self._total} bytes in all")
        self._data += data
        return False

    def _end_layer(self, span: Span, size: int) -> bool | None:
        if span.index != len(self._done) or (self._with_bytes and size != len(self._data)):
            self._torn = True
            return None
        if span.index >= MAX_LAYERS:
            raise BadAnswer(f"LAYER_END of layer {span.index}")
        self._done.append((span, bytes(self._data) if self._with_bytes else None))
        self._data.clear()
        return False


def _is_done(packet: Packet) -> bool | None:
    return True if packet.type == Type.DONE else None


def _port_size(sizes: tuple[int, ...], index: int, what: str) -> int:
    if not 0 <= index < len(sizes):
        raise UsageError(
            f"the board's model has no {what} {index}, only {len(sizes)}",
            hint="flash the firmware of this model",
        )
    return sizes[index]


def _lost(what: str) -> DeviceError:
    return DeviceError(
        f"the link loses frames: {what} are missing after every try",
        hint="use a shorter cable, a lower baud rate, or a direct USB port",
    )
