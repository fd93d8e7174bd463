"""The IO manager: a second board between host and DUT that keeps their grounds apart.

Each command is wrapped as `dut COMMAND%`; the manager answers for itself, then passes on what the
DUT says, each line marked. It is half-duplex: nothing of the DUT comes after its m-ready.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.mlperf.console import Answer, Console
from edgeq.device.mlperf.faults import nonsense

MARK = "[dut]: "
PASSED = re.compile(r"m-dut-passthrough\((.*)\)\Z", re.DOTALL)
BAUD = 115200
LOCAL_S = 5.0


@dataclass(frozen=True, slots=True)
class Variant:
    """A make of IO manager: its USB ids, and the baud rate of the DUT that it is built for.

    `dut_baud` None: the host sets it with `setbaud`.
    """

    name: str
    usb_ids: tuple[str, ...]
    dut_baud: int | None


VARIANTS: tuple[Variant, ...] = (
    Variant("stm32h573i-dk", ("0483:374e",), None),
    Variant("arduino", ("2341:0043", "2341:0001", "2a03:0043", "2a03:0243"), 9600),
)


def find_variant(name: str) -> Variant:
    """Return the variant of that name; raise UsageError where there is none."""
    for variant in VARIANTS:
        if variant.name == name:
            return variant
    names = ", ".join(v.name for v in VARIANTS)
    raise UsageError(f"no IO manager '{name}'", hint=f"choose one of {names}")


class IoManager:
    """A DUT behind an IO manager, spoken to as if it were directly there."""

    def __init__(self, console: Console, *, dut_baud: int, variant: Variant) -> None:
        self.who = "the board behind the IO manager"
        self.clock = console.clock
        self._console = console
        if variant.dut_baud is None:
            console.ask(f"setbaud {dut_baud}", LOCAL_S)
        elif variant.dut_baud != dut_baud:
            raise DeviceError(
                f"the {variant.name} IO manager speaks {variant.dut_baud} baud to the board,"
                f" not {dut_baud}",
                hint=f"build the board's firmware for {variant.dut_baud} baud",
            )

    def ask(self, command: str, deadline_s: float, *, tries: int = 1) -> Answer:
        """Pass a command on and return the DUT's answer, without the m-ready that ends it."""
        wrapped = f"dut {command}"
        passed = self._console.ask(wrapped, min(LOCAL_S, deadline_s))
        if not any(PASSED.match(line.text) for line in passed):
            said = passed[0].text if passed else "m-ready alone"
            raise nonsense("the IO manager", wrapped, said)
        return self._console.collect(wrapped, deadline_s, who=self.who, prefix=MARK, tries=tries)

    def drain(self) -> None:
        """Read until nothing comes for a moment, and forget it."""
        self._console.drain()

    def close(self) -> None:
        """Close the connection to the IO manager."""
        self._console.close()
