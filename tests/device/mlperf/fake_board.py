"""A board in Python, written from the protocol page alone, that misbehaves on demand."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

END = "\r\n"


@dataclass
class FakeDut:
    """Answers each command as the protocol says. Its clock goes on by `us` an inference."""

    model: str = "ic01"
    name: str = "fake"
    size: int = 16
    us: int = 1000
    energy: bool = False
    clock_us: int = 0
    results: Callable[[bytes], list[float]] = lambda data: [0.25, 0.75]
    loaded: bytearray = field(default_factory=bytearray)
    expected: int = 0
    commands: list[str] = field(default_factory=list)
    edges: list[int] = field(default_factory=list)

    def boot(self) -> str:
        """Return the greeting."""
        mode = "energy" if self.energy else "performance"
        return self._say(f"m-timestamp-mode-{mode}", *self._stamp(), "m-init-done", "m-ready")

    def obey(self, command: str) -> str:
        """Return the answer to a command."""
        self.commands.append(command)
        word, *rest = command.split(" ")
        verbs = {
            "name": lambda: [f"m-name-dut-[{self.name}]"],
            "timestamp": self._stamp,
            "profile": lambda: [
                "m-profile-[ULPMark for tinyML Firmware V0.0.1]",
                f"m-model-[{self.model}]",
            ],
            "help": lambda: ["help", "name"],
            "db": lambda: self._db(rest),
            "infer": lambda: self._infer(rest),
            "results": lambda: [self._results()],
        }
        lines = verbs[word]() if word in verbs else [f"e-[Unknown command: {word}]"]
        return self._say(*lines, "m-ready")

    def _say(self, *lines: str) -> str:
        return "".join(line + END for line in lines)

    def _stamp(self) -> list[str]:
        self.edges.append(self.clock_us)
        return [] if self.energy else [f"m-lap-us-{self.clock_us % (1 << 32)}"]

    def _results(self) -> str:
        values = self.results(bytes(self.loaded))
        return f"m-results-[{','.join(f'{v:.3f}' for v in values)}]"

    def _db(self, rest: list[str]) -> list[str]:
        self.clock_us += 50
        if rest[0] == "load":
            self.expected, self.loaded = int(rest[1]), bytearray()
            if self.expected > 27648:
                return [f"Supplied buffer size {self.expected} exceeds maximum of 27648"]
            return [f"m-[Expecting {self.expected} bytes]"]
        self.loaded += bytes.fromhex(rest[0])
        return ["m-load-done"] if len(self.loaded) >= self.expected else []

    def _infer(self, rest: list[str]) -> list[str]:
        count, warmups = int(rest[0]), int(rest[1]) if len(rest) > 1 else 10
        if count <= 0:
            return ["e-[Inference iterations must be >0]"]
        lines = [f"m-warmup-start-{warmups}", "m-warmup-done", f"m-infer-start-{count}"]
        self.clock_us += warmups * self.us
        lines += self._stamp()
        self.clock_us += count * self.us
        return [*lines, *self._stamp(), "m-infer-done", self._results()]


Wire = Callable[["FakeWire", str], Iterator[bytes]]


class FakeWire:
    """A stream with a FakeDut behind it; `wire` says what arrives for each command.

    With `tick_s` the clock is its own and goes on only here, so that no test sleeps.
    """

    def __init__(self, dut: FakeDut, wire: Wire | None = None, *, tick_s: float | None = None):
        self.dut, self._wire, self._tick = dut, wire or plain, tick_s
        self._command = ""
        self._coming: list[Iterator[bytes]] = []
        self.now = 0.0
        self.closed = 0

    def clock(self) -> float:
        """Return the seconds of the clock that this wire keeps."""
        return time.monotonic() if self._tick is None else self.now

    def read(self, timeout_s: float) -> bytes:
        """Return what comes; nothing after the whole time where nothing does."""
        while self._coming:
            data = next(self._coming[0], None)
            if data is None:
                self._coming.pop(0)
                continue
            self._wait(0.0 if self._tick is None else min(self._tick, timeout_s))
            return data
        self._wait(timeout_s)
        return b""

    def write(self, data: bytes) -> None:
        """Take commands; each ends with '%'."""
        *commands, self._command = (self._command + data.decode()).split("%")
        for command in commands:
            self._coming.append(self._wire(self, command))

    def close(self) -> None:
        """Count how often it is closed."""
        self.closed += 1

    def _wait(self, seconds: float) -> None:
        if self._tick is None:
            time.sleep(seconds)
        self.now += seconds


def plain(wire: FakeWire, command: str) -> Iterator[bytes]:
    """A sound wire."""
    yield wire.dut.obey(command).encode()


def after(count: int, fault: Wire) -> Wire:
    """Return a wire that is sound for `count` commands and then has the fault."""
    seen = 0

    def wire(board: FakeWire, command: str) -> Iterator[bytes]:
        nonlocal seen
        seen += 1
        return (plain if seen <= count else fault)(board, command)

    return wire


def silent(wire: FakeWire, command: str) -> Iterator[bytes]:
    """Nothing comes."""
    yield from ()


def chatty(wire: FakeWire, command: str) -> Iterator[bytes]:
    """Another program's lines come for ever."""
    while True:
        yield b"temperature 21.5\r\n"


def half(wire: FakeWire, command: str) -> Iterator[bytes]:
    """Half a line comes."""
    yield b"m-name-d"


def hung(wire: FakeWire, command: str) -> Iterator[bytes]:
    """The answer comes without its end."""
    yield wire.dut.obey(command).replace("m-ready" + END, "").encode()


def garbled(wire: FakeWire, command: str) -> Iterator[bytes]:
    """What a wrong baud rate makes of an answer, again and again."""
    noise = random.Random(1)
    while True:
        yield bytes(noise.choice((0x00, 0x80, 0xF8, 0xFE, 0x1C, 0x66)) for _ in range(16))


def echoing(wire: FakeWire, command: str) -> Iterator[bytes]:
    """What was sent comes back, and nothing else."""
    yield f"{command}%".encode()


def echoing_too(wire: FakeWire, command: str) -> Iterator[bytes]:
    """What was sent comes back before the answer."""
    yield f"{command}%".encode() + wire.dut.obey(command).encode()


def rebooting(wire: FakeWire, command: str) -> Iterator[bytes]:
    """The board greets in the middle of the answer."""
    answer = wire.dut.obey(command).encode()
    yield answer[: len(answer) // 2]
    yield END.encode() + wire.dut.boot().encode()


def faulting(wire: FakeWire, command: str) -> Iterator[bytes]:
    """The processor faults: the firmware's last words."""
    yield b"e-[Fault at pc 0000abcd lr 00001235]\r\n"


def slow(wire: FakeWire, command: str) -> Iterator[bytes]:
    """The answer comes byte by byte."""
    for byte in wire.dut.obey(command).encode():
        yield bytes([byte])
