"""A virtual board of energy mode with its whole test stand: an IO manager and a power shield.

The board's time stamp pin is wired to the shield's trigger input: each falling edge is an event,
at the moment the board reports it, by the shield's clock.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from edgeq.core.errors import DeviceError
from edgeq.device.virtual.launch import VirtualStream
from tests.support.io_manager import SimulatedIoManager
from tests.support.meters.lpm01a import Lpm01a
from tests.support.meters.signals import constant
from tests.support.meters.wire import Wire, plugged_in

PATIENCE_S = 120.0


class TriggeredShield(Lpm01a):
    """A shield whose trigger input a test pulls while it records, in real time."""

    def __init__(self, current_a: float) -> None:
        super().__init__(constant(current_a, 3600.0), realtime=True)

    def trigger(self) -> None:
        """See an edge now; outside of a recording nothing is seen."""
        if self._streaming:
            self._events.append(time.monotonic() - self.started_at)


class WiredBoard:
    """What the IO manager sees of the board."""

    def __init__(self, stream: VirtualStream) -> None:
        self._stream = stream
        self.greeting = self._listen()

    def obey(self, command: str) -> str:
        """Return the board's answer, m-ready at its end; '' once the board is taken away."""
        with contextlib.suppress(DeviceError):
            self._stream.write(f"{command}%".encode())
            return self._listen()
        return ""

    def _listen(self) -> str:
        answer, until = b"", time.monotonic() + PATIENCE_S
        while not answer.endswith(b"m-ready\r\n") and time.monotonic() < until:
            answer += self._stream.read(0.05)
        return answer.decode()


class StampWire:
    """The wire from the board's time stamp pin to the shield, followed by a thread."""

    def __init__(self, stream: VirtualStream, shield: TriggeredShield) -> None:
        self._stream, self._shield = stream, shield
        self.edges = 0
        self._cut = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="time stamp wire")
        self._thread.start()

    def cut(self) -> None:
        """Take the wire off."""
        self._cut.set()
        self._thread.join()

    def _follow(self) -> None:
        while not self._cut.is_set():
            for edge in self._stream.gate_edges(0.02):
                if edge.gate == 0:
                    self.edges += 1
                    self._shield.trigger()


@dataclass
class ManagerPort:
    """The IO manager behind a serial port; the board's own wire has `baud`, or no limit with 0."""

    manager: SimulatedIoManager
    baud: int = 0

    def serve(self, wire: Wire) -> None:
        """Answer commands, each ended by '%', until the cable is pulled."""
        heard = b""
        while True:
            heard += wire.read(1.0)
            *commands, heard = heard.split(b"%")
            for command in commands:
                if self.baud:
                    time.sleep(10 * len(command) / self.baud)
                for part in self.manager.parts(command.decode()):
                    wire.write(part.encode())


@dataclass(frozen=True)
class Stand:
    """The ports of a test stand, and its parts."""

    manager_port: str
    meter: str
    stamps: StampWire
    manager: SimulatedIoManager


@contextmanager
def wired_stand(stream: VirtualStream, *, current_a: float, voltage_v: float) -> Iterator[Stand]:
    """Wire a board that runs already to an IO manager and a shield of constant current."""
    shield = TriggeredShield(current_a)
    manager = SimulatedIoManager(WiredBoard(stream))
    stamps = StampWire(stream, shield)
    try:
        with plugged_in(shield) as meter, plugged_in(ManagerPort(manager, 9600)) as port:
            yield Stand(
                manager_port=port.path,
                meter=f"lpm01a:{meter.path},voltage={voltage_v:g}",
                stamps=stamps,
                manager=manager,
            )
    finally:
        stamps.cut()
