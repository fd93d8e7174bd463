"""Each simulated meter plugged in, with the text that opens it, for tests of all meters alike."""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest

from edgeq.device.meters import recorder, streamed, table
from edgeq.device.meters.table import open_meter
from edgeq.device.meters.trace import Meter, Trace
from tests.support.meters import joulescope, otii
from tests.support.meters.faults import CLEAN, Faults
from tests.support.meters.ina_bridge import InaBridge
from tests.support.meters.ina_series import InaSeries
from tests.support.meters.lpm01a import Lpm01a
from tests.support.meters.ppk2 import Ppk2
from tests.support.meters.signals import Signal
from tests.support.meters.streaming import StreamingMeter
from tests.support.meters.wire import Plug, plugged_in

WAIT_S = 60.0


@dataclass(frozen=True)
class Rig:
    """A simulated meter that is plugged in: `spec` opens it, `ended` is set at its signal's end."""

    spec: str
    device: Any
    ended: threading.Event
    plug: Plug | None = None


@dataclass(frozen=True)
class Kit:
    """A kind of meter: how it is plugged in, its samples a second, and its volts."""

    name: str
    plug_in: Callable[..., AbstractContextManager[Rig]]
    rate_hz: float
    voltage_v: float


def record(kit: Kit, signal: Signal, faults: Faults = CLEAN, **options: Any) -> Trace:
    """Record a whole signal and return the trace.

    Unless in real time, the samples come faster than they can: as if all at one moment.
    """
    arrivals = nullcontext() if options.get("realtime") else _all_at_once()
    with arrivals, kit.plug_in(signal, faults, **options) as rig:
        return record_from(rig)


def record_from(rig: Rig, while_running: Callable[[Meter], None] | None = None) -> Trace:
    """Record what a rig shows until its signal's end."""
    meter = open_meter(rig.spec)
    try:
        meter.start()
        if while_running:
            while_running(meter)
        assert rig.ended.wait(WAIT_S)
        return meter.stop()
    finally:
        meter.close()


def await_command(rig: Rig, command: str) -> list[str]:
    """Wait until the last that a meter heard is `command`, and return all that it heard."""
    deadline = time.monotonic() + WAIT_S
    while rig.device.commands[-1:] != [command]:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return list(rig.device.commands)


@contextmanager
def _all_at_once() -> Iterator[None]:
    """Stop the clock of arrivals: what a busy machine does to them is no part of a test then."""
    moment = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streamed, "Recorder", partial(recorder.Recorder, clock=lambda: moment))
        patch.setattr(recorder, "SILENT_S", math.inf)
        yield


@contextmanager
def _on_a_port(device: StreamingMeter, spec: str) -> Iterator[Rig]:
    """Plug a serial meter in; `spec` opens it with its port for {}."""
    with plugged_in(device, device.faults.unplug_after) as plug:
        yield Rig(spec.format(plug.path), device, device.ended, plug)


def ppk2(signal: Signal, faults: Faults = CLEAN, **options: Any) -> AbstractContextManager[Rig]:
    """A PPK2 that supplies 3 V."""
    return _on_a_port(Ppk2(signal, faults, **options), "ppk2:{},voltage=3.0")


def lpm01a(
    signal: Signal, faults: Faults = CLEAN, *, settings: str = "voltage=3.0", **options: Any
) -> AbstractContextManager[Rig]:
    """A power shield that supplies 3 V."""
    return _on_a_port(Lpm01a(signal, faults, **options), f"lpm01a:{{}},{settings}")


def ina_bridge(
    signal: Signal, faults: Faults = CLEAN, **options: Any
) -> AbstractContextManager[Rig]:
    """edgeq's own bridge, with an INA228 if nothing else is said, at 400 samples a second."""
    return _on_a_port(InaBridge(signal, faults, **options), "ina:{}")


def ina_series(
    signal: Signal, faults: Faults = CLEAN, **options: Any
) -> AbstractContextManager[Rig]:
    """An INA_Series_Sensor bridge at 400 samples a second."""
    return _on_a_port(InaSeries(signal, faults, **options), "ina:{},format=jsonl")


@contextmanager
def otii_arc(
    signal: Signal, faults: Faults = CLEAN, *, settings: str = "voltage=3.0", **options: Any
) -> Iterator[Rig]:
    """An Otii Arc that supplies 3 V; a recording holds the signal as soon as it is stopped."""
    device = otii.Otii(signal, faults, **options)
    ended = threading.Event()
    ended.set()
    with otii.serving(device) as port:
        yield Rig(f"otii:127.0.0.1:{port},{settings}", device, ended)


@contextmanager
def joulescope_js220(
    signal: Signal, faults: Faults = CLEAN, *, settings: str = "", **options: Any
) -> Iterator[Rig]:
    """A JS220 on a supply of 3 V."""
    device = joulescope.Instrument(signal, faults, **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "pyjoulescope_driver", joulescope.driver_module(device))
        patch.setattr(table, "require", lambda name: name)
        yield Rig(f"joulescope{settings}", device, device.ended)


KITS = (
    Kit("ppk2", ppk2, 100_000, 3.0),
    Kit("lpm01a", lpm01a, 1000, 3.0),
    Kit("ina219", partial(ina_bridge, chip="INA219"), 400, 3.3),
    Kit("ina226", partial(ina_bridge, chip="INA226"), 400, 3.3),
    Kit("ina228", ina_bridge, 400, 3.3),
    Kit("ina_series", ina_series, 400, 3.3),
    Kit("otii", otii_arc, 4000, 3.0),
    Kit("joulescope", joulescope_js220, 100_000, 3.0),
)
SERIAL = tuple(kit for kit in KITS if kit.name not in ("otii", "joulescope"))
"""Those behind a serial port, which can be unplugged after any byte."""
TIMED = tuple(kit for kit in KITS if kit.name != "otii")
"""Those whose samples come while they are taken: the host sees when."""


def each(kits: Sequence[Kit], quick: Sequence[str] = ()) -> pytest.MarkDecorator:
    """Return the mark that runs a test with each kit; those not in `quick`, if given, slowly."""
    slow = pytest.mark.slow
    return pytest.mark.parametrize(
        "kit",
        [
            pytest.param(kit, id=kit.name, marks=[slow] if quick and kit.name not in quick else [])
            for kit in kits
        ],
    )


def named(name: str) -> Kit:
    """Return a kit by its name."""
    return next(kit for kit in KITS if kit.name == name)
