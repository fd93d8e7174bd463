"""A DUT behind an IO manager answers as if it were directly there."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.mlperf.console import Console
from edgeq.device.mlperf.iomanager import IoManager, find_variant
from edgeq.device.mlperf.session import CHUNK_WITH_METER, DutSession
from edgeq.device.mlperf.transcript import Transcript
from tests.device.mlperf import fake_board as fake
from tests.device.mlperf.fake_board import FakeDut, FakeWire, Wire
from tests.support.io_manager import SimulatedIoManager


def managed(
    dut: FakeDut, *, variant: str = "stm32h573i-dk", baud: int = 9600, wire: Wire | None = None
) -> tuple[IoManager, SimulatedIoManager, FakeWire]:
    manager = SimulatedIoManager(dut, sets_baud=variant != "arduino")
    stream = FakeWire(manager, wire, tick_s=0.001)  # type: ignore[arg-type]
    console = Console(stream, Transcript(stream.clock), who="the IO manager", clock=stream.clock)
    return IoManager(console, dut_baud=baud, variant=find_variant(variant)), manager, stream


@pytest.mark.parametrize("variant", ["stm32h573i-dk", "arduino"])
def test_a_session_goes_through_the_manager(variant):
    dut = FakeDut(model="kws01", energy=True)
    channel, manager, _ = managed(dut, variant=variant)
    session = DutSession(channel, chunk=CHUNK_WITH_METER)
    session.load(bytes(range(60)))
    found = session.infer(70, 10)
    assert session.identity.model == "kws01"
    assert bytes(dut.loaded) == bytes(range(60))
    assert found.results == (0.25, 0.75)
    assert found.duration_s is None
    assert manager.bauds == ([9600] if variant == "stm32h573i-dk" else [])


def test_a_baud_rate_that_the_manager_cannot_set_is_refused():
    with pytest.raises(DeviceError, match="9600 baud to the board, not 115200"):
        managed(FakeDut(), variant="arduino", baud=115200)


def test_an_unknown_variant_is_refused():
    with pytest.raises(UsageError, match="no IO manager 'uno'"):
        find_variant("uno")


def test_a_board_without_a_manager_is_no_manager():
    stream = FakeWire(FakeDut(), tick_s=0.001)
    console = Console(stream, Transcript(stream.clock), clock=stream.clock)
    channel = IoManager(console, dut_baud=9600, variant=find_variant("arduino"))
    with pytest.raises(DeviceError, match="IO manager answers 'name' with nonsense"):
        channel.ask("name", 5.0)


def test_a_silent_board_behind_the_manager_is_told_from_a_silent_manager():
    def deaf(wire: FakeWire, command: str) -> Iterator[bytes]:
        rest = command.removeprefix("dut ")
        yield f"m-dut-passthrough({rest})\r\nm-ready\r\n".encode()

    channel, _, stream = managed(FakeDut(), variant="arduino", wire=deaf)
    with pytest.raises(DeviceError, match="behind the IO manager") as error:
        DutSession(channel)
    assert stream.now == pytest.approx(5.0, rel=0.1)
    assert "IO manager" in error.value.hint
    channel, _, _ = managed(FakeDut(), variant="arduino", wire=fake.silent)
    with pytest.raises(DeviceError, match="no answer of the IO manager to"):
        DutSession(channel)


def test_a_reboot_behind_the_manager_is_known():
    channel, _, stream = managed(FakeDut(), variant="arduino")
    session = DutSession(channel)
    greeting = "".join(f"[dut]: {line}\r\n" for line in FakeDut().boot().splitlines())
    stream._wire = lambda wire, command: iter(
        [b"m-dut-passthrough(results)\r\nm-ready\r\n", greeting.encode()]
    )
    with pytest.raises(DeviceError, match="rebooted during 'results'"):
        session.results()
