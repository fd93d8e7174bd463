"""A session with a board that speaks the MLPerf Tiny protocol: load, infer, results."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from edgeq.core.errors import DeviceError, InputError, UsageError
from edgeq.device.mlperf.console import Answer, Channel
from edgeq.device.mlperf.faults import nonsense, refused

# Bytes of one `db` command: the firmware's command buffer has 80 characters, and the reference
# runner sends fewer where a power manager is attached.
CHUNK, CHUNK_WITH_METER = 31, 26
MAX_BYTES = 96 * 96 * 3
MAX_INFERENCES = 1 << 31
MAX_RESULTS = 4096
LAP_PERIOD_US = 1 << 32
OPEN_TRIES = 3
# An inference may take this much longer than the slowest so far before it counts as hung.
PATIENCE = 4.0

_NAME = re.compile(r"m-name-dut-\[(.*)\]\Z")
_PROFILE = re.compile(r"m-profile-\[(.*)\]\Z")
_MODEL = re.compile(r"m-model-\[(.*)\]\Z")
_EXPECTING = re.compile(r"m-\[Expecting (\d+) bytes\]\Z")
_LAP = re.compile(r"m-lap-us-(\d{1,20})\Z")
_RESULTS = re.compile(r"m-results-\[(.*)\]\Z")
_START = re.compile(r"m-infer-start-(\d{1,20})\Z")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Seconds until an answer must be complete; `infer_s` at least, more for slow boards."""

    answer_s: float = 5.0
    infer_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Identity:
    """What a board says of itself."""

    name: str
    profile: str
    model: str


@dataclass(frozen=True, slots=True)
class Inference:
    """One `infer`: `lap_us` are both stamps of the board's clock (none in energy mode).

    On the host's clock it took at least `host_s`, from m-infer-start to m-infer-done (which a
    board may send together), and at most `answer_s`, from the command on, warm-ups included.
    """

    inferences: int
    warmups: int
    lap_us: tuple[int, int] | None
    results: tuple[float, ...]
    host_s: float
    answer_s: float

    @property
    def duration_s(self) -> float | None:
        """Seconds between the stamps; the counter may have gone round once."""
        if self.lap_us is None:
            return None
        start, end = self.lap_us
        return (end - start) % LAP_PERIOD_US / 1e6 if end < start else (end - start) / 1e6


class DutSession:
    """An open session. Use it as a context manager: closing gives the port back.

    Every method raises DeviceError when the board is gone, reboots, falls silent or lies.

    Args:
        chunk: bytes of one `db` command, 1 to 31.
    """

    def __init__(
        self, channel: Channel, *, deadlines: Deadlines | None = None, chunk: int = CHUNK
    ) -> None:
        if not 1 <= chunk <= CHUNK:
            raise UsageError(f"{chunk} bytes a command", hint=f"choose 1 to {CHUNK}")
        self._channel, self._chunk = channel, chunk
        self._deadlines = deadlines or Deadlines()
        self._slowest_s = 0.0
        try:
            self.identity = self._identify()
        except BaseException:
            channel.close()
            raise

    def __enter__(self) -> DutSession:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection. May be called twice."""
        self._channel.close()

    def expect_pace(self, seconds: float) -> None:
        """Know of an earlier session how long an inference takes: `infer` waits accordingly."""
        self._slowest_s = max(self._slowest_s, seconds)

    def load(self, data: bytes) -> None:
        """Write all bytes of the model's input.

        Raises:
            InputError: none, or more than the protocol allows.
        """
        if not 0 < len(data) <= MAX_BYTES:
            raise InputError(
                f"an input of {len(data)} bytes", hint=f"the protocol takes 1 to {MAX_BYTES:,}"
            )
        command = f"db load {len(data)}"
        expected = self._one(_EXPECTING, command, self._ask(command))
        if int(expected) != len(data):
            raise nonsense(self._channel.who, command, f"it expects {expected} bytes")
        done = False
        for offset in range(0, len(data), self._chunk):
            if done:
                raise nonsense(self._channel.who, "db", f"it has enough after {offset} bytes")
            answer = self._ask(f"db {data[offset : offset + self._chunk].hex()}")
            done = any(line.text == "m-load-done" for line in answer)
        if not done:
            raise nonsense(self._channel.who, "db", f"it wants more than {len(data)} bytes")

    def infer(self, inferences: int, warmups: int) -> Inference:
        """Run the model `warmups` times, then `inferences` times between two stamps."""
        if not (0 < inferences < MAX_INFERENCES and 0 <= warmups < MAX_INFERENCES):
            raise UsageError(
                f"{inferences} inferences after {warmups} warm-ups", hint="choose at least 1 and 0"
            )
        command = f"infer {inferences} {warmups}"
        expected_s = PATIENCE * self._slowest_s * (inferences + warmups)
        sent = self._channel.clock()
        answer = self._ask(command, max(self._deadlines.infer_s, expected_s))
        found = self._read_inference(command, answer, inferences, warmups, sent)
        self._slowest_s = max(self._slowest_s, found.answer_s / (inferences + warmups))
        return found

    def results(self) -> tuple[float, ...]:
        """Return the model's output of the last inference."""
        return self._floats("results", self._ask("results"))

    def timestamp(self) -> int | None:
        """Make a stamp: microseconds of the board's clock, None where it is an edge of a pin."""
        stamps = [m for line in self._ask("timestamp") if (m := _LAP.match(line.text))]
        return int(stamps[0][1]) if stamps else None

    def _identify(self) -> Identity:
        answer = self._channel.ask("name", self._deadlines.answer_s, tries=OPEN_TRIES)
        self._channel.drain()  # answers to what was asked while the board booted
        name = self._one(_NAME, "name", answer)
        profile = self._ask("profile")
        return Identity(
            name=name,
            profile=self._one(_PROFILE, "profile", profile),
            model=self._one(_MODEL, "profile", profile),
        )

    def _ask(self, command: str, deadline_s: float | None = None) -> Answer:
        answer = self._channel.ask(command, deadline_s or self._deadlines.answer_s)
        for line in answer:
            if line.text.startswith(("e-", "Supplied buffer size")):
                raise refused(self._channel.who, command, line.text)
        return answer

    def _one(self, pattern: re.Pattern[str], command: str, answer: Answer) -> str:
        for line in answer:
            if match := pattern.match(line.text):
                return match[1]
        said = " ".join(line.text for line in answer)[:80] or "m-ready alone"
        raise nonsense(self._channel.who, command, said)

    def _floats(self, command: str, answer: Answer) -> tuple[float, ...]:
        text = self._one(_RESULTS, command, answer)
        try:
            values = tuple(float(word) for word in text.split(",") if word.strip())
        except ValueError as error:
            raise nonsense(self._channel.who, command, text[:80]) from error
        if not 0 < len(values) <= MAX_RESULTS or not all(map(math.isfinite, values)):
            raise nonsense(self._channel.who, command, text[:80])
        return values

    def _read_inference(
        self, command: str, answer: Answer, n: int, w: int, sent: float
    ) -> Inference:
        started = self._one(_START, command, answer)
        if int(started) != n:
            raise nonsense(self._channel.who, command, f"it runs {started} inferences")
        texts = [line.text for line in answer]
        if "m-infer-done" not in texts:
            raise nonsense(self._channel.who, command, "no m-infer-done")
        first, last = texts.index(f"m-infer-start-{started}"), texts.index("m-infer-done")
        laps = [int(m[1]) for text in texts[first:last] if (m := _LAP.match(text))]
        if len(laps) not in (0, 2):
            raise nonsense(self._channel.who, command, f"{len(laps)} time stamps, not two")
        return Inference(
            inferences=n,
            warmups=w,
            lap_us=(laps[0], laps[1]) if laps else None,
            results=self._floats(command, answer),
            host_s=max(answer[last].at - answer[first].at, 0.0),
            answer_s=max(answer[last].at - sent, 0.0),
        )


def needs_stamps(found: Inference) -> float:
    """Return the seconds between the stamps; raise DeviceError where the board made none."""
    if found.duration_s is None:
        raise DeviceError(
            "the board gives no m-lap-us: its firmware is built for energy mode",
            hint="flash the firmware of performance mode",
        )
    return found.duration_s
