"""What the runner answers, decoded strictly: a board's bytes may be anything."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from edgeq.core.errors import DeviceError
from edgeq.core.records import Record

Answer = TypeVar("Answer", bound=Record)
Count = Annotated[int, Meta(ge=1)]
Bytes = Annotated[int, Meta(ge=0)]
Seconds = Annotated[float, Meta(ge=0)]
Nanoseconds = Annotated[float, Meta(gt=0)]


class Facts(Record, frozen=True, kw_only=True):
    """What the machine says of itself; '' or None where it does not. `bits`: of its Python.

    `cpuinfo` is the beginning of /proc/cpuinfo, `model` a device tree's name of the board.
    """

    machine: str
    bits: int
    model: str
    cpuinfo: str
    cpus: Count
    max_khz: int | None
    kernel: str
    python: str


class State(Record, frozen=True, kw_only=True):
    """The machine at one moment. `throttled_bits` are a Raspberry Pi's, `throttle_events` x86's."""

    governor: str | None
    frequency_hz: int | None
    temperature_c: float | None
    throttled_bits: int | None
    throttle_events: int | None


class Probe(Record, frozen=True, kw_only=True):
    """Which runtime a Python has; '' for none."""

    facts: Facts
    runtime: str
    runtime_version: str
    numpy: bool


class NodeDetail(Record, frozen=True, kw_only=True, array_like=True):
    """A node as the interpreter names it: an operator of the model or a delegate."""

    op: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Timing(Record, frozen=True, kw_only=True, array_like=True):
    """The nanoseconds of an inference in each run with this many threads; `batch` make a run."""

    threads: Count
    spans_ns: Annotated[tuple[Nanoseconds, ...], Meta(min_length=1)]
    batch: Count = 1

    @property
    def seconds(self) -> list[float]:
        """The seconds of each run."""
        return [span * 1e-9 for span in self.spans_ns]


class Reply(Record, frozen=True, kw_only=True):
    """One measurement. Seconds and bytes; `outputs` as base64; `prefixes` as the request's cut."""

    facts: Facts
    runtime: str
    runtime_version: str
    before: State
    after: State
    resident_bytes: Bytes | None
    peak_rss_bytes: Bytes | None
    cold_start_s: Seconds
    load_s: Seconds
    first_inference_s: Seconds
    outputs: tuple[str, ...]
    nodes: tuple[NodeDetail, ...] | None
    timings: Annotated[tuple[Timing, ...], Meta(min_length=1)]
    prefixes: tuple[Seconds, ...] | None

    def output_bytes(self) -> tuple[bytes, ...]:
        """Return the bytes of every output; raise DeviceError where they are no base64."""
        try:
            return tuple(base64.b64decode(text, validate=True) for text in self.outputs)
        except (binascii.Error, ValueError) as error:
            raise _damaged(str(error)) from error


class Refusal(Record, frozen=True, kw_only=True):
    """Why the runner did not do it."""

    refused: str
    detail: str


def decode_probe(line: bytes) -> Probe | Refusal:
    """Return the answer to a probe; raise DeviceError where it is none."""
    return _decode(line, Probe)


def decode_reply(line: bytes) -> Reply | Refusal:
    """Return the answer to a measurement; raise DeviceError where it is none."""
    return _decode(line, Reply)


def _decode(line: bytes, kind: type[Answer]) -> Answer | Refusal:
    try:
        if b'"refused"' in line[:16]:
            return msgspec.json.decode(line, type=Refusal)
        return msgspec.json.decode(line, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _damaged(str(error)) from error


def _damaged(why: str) -> DeviceError:
    return DeviceError(
        f"the runner's answer is damaged: {why}",
        hint="run it again; a board that does this twice has another program under that name",
    )
