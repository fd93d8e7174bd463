"""An IO manager in Python, from the protocol page: wraps what a DUT says, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol


class Dut(Protocol):
    """A board behind the manager."""

    def obey(self, command: str) -> str:
        """Return the answer to a command, m-ready at its end."""


@dataclass
class SimulatedIoManager:
    """Answers as the manager does; `sets_baud` as the STM32H573I-DK, else as the Arduino Uno."""

    dut: Dut
    sets_baud: bool = True
    bauds: list[int] = field(default_factory=list)

    def obey(self, command: str) -> str:
        """Return the manager's answer, and after it what the DUT says."""
        return "".join(self.parts(command))

    def parts(self, command: str) -> Iterator[str]:
        """Yield the manager's own answer at once, and then what the DUT says."""
        word, _, rest = command.partition(" ")
        if word == "dut":
            yield f"m-dut-passthrough({rest})\r\nm-ready\r\n"
            yield "".join(f"[dut]: {line}\r\n" for line in self.dut.obey(rest).splitlines())
        elif word == "name":
            yield "m-name-io-manager-[simulated]\r\nm-ready\r\n"
        elif word == "setbaud" and self.sets_baud:
            self.bauds.append(int(rest))
            yield "m-ready\r\n"
        else:
            yield f"e-[Unknown command: {word}]\r\nm-ready\r\n"
