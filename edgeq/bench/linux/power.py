"""The meter of a Linux board: one at this computer, or the board's own power-management chip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from edgeq.bench.metering import opened_meter
from edgeq.bench.requests import MeterRequest
from edgeq.core.errors import DeviceError
from edgeq.device.linux.machine import LocalMachine, Machine
from edgeq.device.meters.trace import Meter

PMIC = "pmic"
READ_S = 20.0  # each reading opens a connection, to a board that may be busy


@contextmanager
def opened_power(request: MeterRequest | None, machine: Machine) -> Iterator[Meter | None]:
    """Open the meter of a request; the chip of a board over SSH is read over SSH.

    Raises:
        UsageError: no such meter.
        DeviceError: the meter does not answer.
    """
    if request is None or request.driver != PMIC or isinstance(machine, LocalMachine):
        with opened_meter(request) as meter:
            yield meter
        return
    from edgeq.device.meters.pmic import PmicMeter
    from edgeq.device.meters.specs import parse_options, parse_spec
    from edgeq.device.meters.table import find_meter

    row = find_meter(PMIC)
    options = parse_options(
        row.name, parse_spec(request.meter, whole_port=False).options, row.options
    )
    chip = PmicMeter(rate_hz=options["rate"], execute=lambda argv: read_output(machine, argv))
    try:
        yield chip
    finally:
        chip.close()


def read_output(machine: Machine, argv: Sequence[str]) -> str:
    """Run a command on the machine and return its stdout; raise DeviceError where it fails."""
    done = machine.run(argv, timeout_s=READ_S)
    if done.returncode != 0:
        raise DeviceError(
            f"{machine.name}: {argv[0]} failed with exit code {done.returncode}",
            hint="only a Raspberry Pi 5 has this chip; may its user use /dev/vcio?",
        )
    return done.stdout
