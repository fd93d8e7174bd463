"""The LPM01A's two streams, ASCII and binary, to samples, time stamps, events and messages.

ASCII: a sample is `6409-07` for 6409e-7; `TimeStamp: 003s 000ms, buff 00%`; `event 1 ris`.
Binary: a sample is two bytes, v / 16**p with p in the upper four bits and v in the other twelve;
metadata begin with F0 F1 to F0 F7 and end with FF FF.
"""

from __future__ import annotations

import re
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from edgeq.core.errors import one_line
from edgeq.device.meters.sampling import MAX_EDGES
from edgeq.device.meters.trace import Edge, Floats

SAMPLE = re.compile(rb"(-?\d{1,6})([+-]\d{1,2})")
STAMP = re.compile(rb"TimeStamp: *(\d{1,8})s *(\d{1,3})ms(?:, *buff *(\d{1,3})%)?")
EVENT = re.compile(rb"event +\d+ +(ris|fal)\w*")
BINARY_STAMP = re.compile(rb"\xf0\xf3(.{5})\xff\xff", re.DOTALL)
# Metadata whose end is not near are damage; they are stepped over, not searched again.
METADATA = re.compile(rb"\xf0([\xf1\xf2\xf4-\xf7])(?:(.{0,256}?)\xff\xff|.{0,256})", re.DOTALL)
PROMPT = b"PowerShield >"
SHORTEST = 3
EDGES: dict[bytes, Edge] = {b"ris": "rising", b"fal": "falling"}
# Commands and what the shield says of itself when all is well.
CALM = re.compile(rb"ack |Acquisition|summary", re.IGNORECASE)
MAX_TEXTS, MAX_TEXT = 20, 200
Kind = Literal["stamp", "event", "damage", "text", "end", "voltage"]


class Note(NamedTuple):
    """What came after `samples` samples: `value` is ms, mV or 0; `text` an edge or a message."""

    samples: int
    kind: Kind
    value: float = 0.0
    text: str = ""


@dataclass(slots=True)
class Items:
    """A stream taken apart. `ends[i]` is the byte after sample i; notes are in their order."""

    values: array[float] = field(default_factory=lambda: array("d"))
    ends: array[int] = field(default_factory=lambda: array("q"))
    notes: list[Note] = field(default_factory=list)
    noted: Counter[Kind] = field(default_factory=Counter)
    fullest: int = 0

    def note(self, kind: Kind, value: float = 0.0, text: str = "") -> None:
        """Append a note at this place; of messages the first few, of each other kind 100,000."""
        self.noted[kind] += 1
        if self.noted[kind] <= (MAX_TEXTS if kind == "text" else MAX_EDGES):
            self.notes.append(Note(len(self.values), kind, value, text))


def parse_ascii(data: bytes) -> Items:
    """Take an ASCII stream apart; a line that is nothing known and no message is `damage`.

    Where nearly all samples have one length, one of another length lost a digit: it is damage.
    """
    items = Items()
    lines = data.splitlines(keepends=True)
    length = _usual_length(lines)
    at = 0
    for line in lines:
        at += len(line)
        if len(line) < SHORTEST:
            continue
        words = line.strip(b" \r\n\0").removeprefix(PROMPT).strip()
        sample = SAMPLE.fullmatch(words)
        if sample and length in (0, len(words)) and line.endswith((b"\n", b"\r")):
            items.values.append(int(sample[1]) * 10.0 ** int(sample[2]))
            items.ends.append(at)
        elif stamp := STAMP.fullmatch(words):
            items.note("stamp", int(stamp[1]) * 1000 + int(stamp[2]))
            items.fullest = max(items.fullest, int(stamp[3] or 0))
        elif event := EVENT.fullmatch(words):
            items.note("event", text=EDGES[event[1]])
        elif words and (at < len(data) or line.endswith(b"\n")):
            _note_text(items, words)
    return items


def parse_binary(data: bytes) -> Items:
    """Take a binary stream apart between time stamps.

    Where the bytes between two stamps are odd in number, or hold a part of other metadata, some
    were lost and no sample after them can be told: all of them are damage.
    """
    items = Items()
    at, end = _without_replies(data)
    for stamp in BINARY_STAMP.finditer(data, at, end):
        _parse_segment(items, data, at, stamp.start())
        body = stamp[1]
        items.note("stamp", int.from_bytes(body[:4], "big"))
        items.fullest = max(items.fullest, body[4])
        at = stamp.end()
    _parse_segment(items, data, at, end, last=True)
    return items


def values_of(items: Items) -> Floats:
    """Return the samples, shape (n,)."""
    return np.array(items.values, np.float64)


def _usual_length(lines: list[bytes]) -> int:
    """Return the length that 90 % of the samples have; 0 where there is none."""
    long = (line.strip() for line in lines if len(line) >= SHORTEST)
    lengths = Counter(len(words) for words in long if SAMPLE.fullmatch(words))
    if not lengths:
        return 0
    length, count = lengths.most_common(1)[0]
    return length if count >= 0.9 * lengths.total() else 0


def _note_text(items: Items, text: bytes) -> None:
    """Tell a message from what is left of a broken line."""
    text = text[:MAX_TEXT]
    if b"Acquisition completed" in text or text == b"end":
        items.note("end")
    elif CALM.match(text):
        return
    elif re.fullmatch(rb"[ -~]*[A-Za-z]{4}[ -~]*", text) and b"TimeStamp" not in text:
        items.note("text", text=one_line(text.decode("ascii")))
    else:
        items.note("damage")


def _without_replies(data: bytes) -> tuple[int, int]:
    """Return where the binary stream begins and ends: between two replies in ASCII."""
    head = re.match(rb"[\s\0]*(?:PowerShield >)? *(?:ack|error) start[^\r\n]*\r?\n\0?", data)
    tail = re.compile(rb"[\r\n]*PowerShield > *(?:ack|error) stop").search(data, len(data) - 256)
    return head.end() if head else 0, tail.start() if tail else len(data)


def _parse_segment(items: Items, data: bytes, at: int, end: int, *, last: bool = False) -> None:
    """Read samples and metadata in data[at:end]."""
    runs: list[tuple[int, int]] = []
    notes: list[tuple[int, tuple[Kind, float, str]]] = []
    for meta in METADATA.finditer(data[at:end]):
        runs.append((at + (notes[-1][0] if notes else 0), at + meta.start()))
        notes.append((meta.end(), _meaning(meta[1][0], meta[2])))
    tail = at + (notes[-1][0] if notes else 0)
    ended = any(note[0] == "end" for _, note in notes)
    runs.append((tail, tail if ended else end - (end - tail) % 2 if last else end))
    if any((stop - start) % 2 or _holds_metadata(data[start:stop]) for start, stop in runs):
        items.note("damage")
        return
    for i, (start, stop) in enumerate(runs):
        words = np.frombuffer(data, ">u2", (stop - start) // 2, start).astype(np.int64)
        items.values.frombytes(((words & 0xFFF) / 16.0 ** (words >> 12)).tobytes())
        items.ends.frombytes(np.arange(start + 2, stop + 1, 2, dtype=np.int64).tobytes())
        if i < len(notes):
            items.note(*notes[i][1])


def _holds_metadata(run: bytes) -> bool:
    """Whether a beginning or an end of metadata stands among samples: the rest of it was lost.

    A sample whose first byte is F0 or more would be less than 16**-12.
    """
    return b"\xff\xff" in run or bool(np.any(np.frombuffer(run, ">u2", len(run) // 2) > 0xF000))


def _meaning(code: int, body: bytes | None) -> tuple[Kind, float, str]:
    """Return the note of a piece of metadata; None has no end."""
    if body is None:
        return "damage", 0.0, ""
    if code in (0xF1, 0xF2):
        return "text", 0.0, one_line(body.decode("ascii", "replace"))
    if code == 0xF7:
        return "voltage", float(int.from_bytes(body[:2], "big")), ""
    texts = {0xF5: "overcurrent", 0xF6: "target power-down"}
    return ("end", 0.0, "") if code == 0xF4 else ("text", 0.0, texts[code])
