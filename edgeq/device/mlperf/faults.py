"""Why an answer did not come: what the bytes of the wire say, as one cause and one hint."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgeq.core.errors import DeviceError, one_line

CHATTER = 100  # lines of another program in one answer
FAULT = "e-[Fault"  # edgeq's firmware, whose processor faulted: no m-ready follows
BOOT = ("m-timestamp-mode-", "m-init-done")


@dataclass(frozen=True, slots=True)
class Evidence:
    """What came in the place of an answer to `command`, within `seconds`.

    `passed_on`: an IO manager has said that it gave the command to its board.
    """

    who: str
    command: str
    seconds: float
    received: int
    garbage: int
    lines: tuple[str, ...]
    partial: str
    passed_on: bool = False

    @property
    def foreign(self) -> int:
        """How many lines are not of the protocol."""
        return sum(not line.lstrip().startswith(("m-", "e-", "[dut]")) for line in self.lines)

    @property
    def echoes(self) -> bool:
        """Whether what came is what was sent, and nothing of the protocol."""
        said = "".join(self.lines) + self.partial
        return bool(said) and not said.replace(f"{self.command}%", "").strip()


@dataclass(frozen=True, slots=True)
class Fault:
    """A row of the table: when it applies, and what it says."""

    applies: Callable[[Evidence], bool]
    cause: Callable[[Evidence], str]
    hint: str


FAULTS: tuple[Fault, ...] = (
    Fault(
        lambda e: e.passed_on and not e.lines,
        lambda e: "the IO manager answers, the board behind it does not",
        "is the board behind the IO manager powered, its TX wired to the manager's RX, and both"
        " at one baud rate?",
    ),
    Fault(
        lambda e: not e.received,
        lambda e: "nothing arrived",
        "is this the board's port, powered, at the right baud rate, and flashed with the MLPerf"
        " firmware?",
    ),
    Fault(
        lambda e: e.garbage * 8 > e.received,
        lambda e: f"{e.garbage} of {e.received} bytes are no text",
        "wrong baud rate: 115200 is usual, 9600 in energy mode; choose with --baud",
    ),
    Fault(
        lambda e: e.echoes,
        lambda e: "the port echoes what is sent",
        "turn the echo off; is TX wired to RX?",
    ),
    Fault(
        lambda e: e.foreign > CHATTER or 0 < e.foreign == len(e.lines),
        lambda e: f"{e.foreign} lines arrived that are not of the protocol ({_head(e.lines[0])})",
        "another program runs on the board: flash the MLPerf firmware",
    ),
    Fault(
        lambda e: not e.lines and bool(e.partial),
        lambda e: f"half a line arrived and then nothing ({_head(e.partial)})",
        "the board stopped while it wrote: a fault, a weak supply or a loose wire; reset it",
    ),
    Fault(
        lambda e: True,
        lambda e: f"the board fell silent after {_head(e.lines[-1] if e.lines else 'm-ready')}",
        "the firmware hangs, or the command takes longer: reset the board or raise --timeout",
    ),
)


def explain(evidence: Evidence) -> DeviceError:
    """Return the error for an answer that did not come by its deadline."""
    fault = next(f for f in FAULTS if f.applies(evidence))
    return DeviceError(
        f"no answer of {evidence.who} to {_verb(evidence.command)!r} within"
        f" {evidence.seconds:.1f} s: {fault.cause(evidence)}",
        hint=fault.hint,
    )


def rebooted(who: str, command: str) -> DeviceError:
    """Return the error for a board that greeted in the middle of a command."""
    return DeviceError(
        f"{who} rebooted during {_verb(command)!r}: it greeted again",
        hint="a watchdog, a fault or a weak supply resets boards; run the command again",
    )


def faulted(who: str, command: str, text: str) -> DeviceError:
    """Return the error for a board whose processor faulted."""
    return DeviceError(
        f"{who} faulted during {_verb(command)!r}: {one_line(text)}",
        hint="look pc and lr up in the firmware's ELF with addr2line",
    )


def refused(who: str, command: str, text: str) -> DeviceError:
    """Return the error for a board that answered with one of its own."""
    return DeviceError(
        f"{who} refuses {_verb(command)!r}: {one_line(text)}",
        hint="is the firmware's model the one that this data is for? log.txt has every line",
    )


def nonsense(who: str, command: str, text: str) -> DeviceError:
    """Return the error for an answer that is not what the protocol says."""
    return DeviceError(
        f"{who} answers {_verb(command)!r} with nonsense: {one_line(text)}",
        hint="lost bytes on the wire, or a firmware that speaks the protocol in its own way",
    )


def _verb(command: str) -> str:
    """Return the command's first word, whether it goes through an IO manager or not."""
    return command.removeprefix("dut ").split(" ")[0]


def _head(text: str) -> str:
    shown = one_line(text)
    return f"'{shown[:40]}...'" if len(shown) > 40 else f"'{shown}'"
