"""The way to a board: what is named goes first, a device list fills in, nothing is guessed."""

from __future__ import annotations

import pytest

from edgeq.bench.mlperf import connections
from edgeq.bench.mlperf.connections import Way, complete_way, make_rig
from edgeq.core.errors import DeviceError, UsageError
from edgeq.device.mlperf.transcript import Transcript
from tests.bench.mlperf.test_scripts import DEVICES, port
from tests.device.mlperf.fake_board import FakeDut
from tests.support.io_manager import SimulatedIoManager
from tests.support.isolated_board import ManagerPort
from tests.support.meters.wire import plugged_in

ATTACHED = {
    "/dev/ttyACM0": "0483:374b",
    "/dev/ttyACM1": "0483:374e",
    "/dev/ttyACM2": "0483:5740",
    "/dev/ttyACM3": "2341:0043",
}


@pytest.fixture
def devices(tmp_path, monkeypatch):
    """The public runner's device list, with a board of each kind attached."""
    path = tmp_path / "devices.yaml"
    path.write_text(DEVICES)
    ports = tuple(port(name, usb_id) for name, usb_id in ATTACHED.items())
    monkeypatch.setattr(connections, "list_ports", lambda: ports)
    return path


def test_a_device_list_finds_the_board_alone_where_no_energy_is_measured(devices):
    way = complete_way(Way(), devices, "performance")
    assert way == Way(port="/dev/ttyACM0", baud=921600)


def test_a_device_list_finds_manager_and_meter_for_energy(devices):
    way = complete_way(Way(), devices, "energy")
    assert way.port is None
    assert (way.io_manager, way.variant) == ("/dev/ttyACM1", "stm32h573i-dk")
    assert way.meter == "lpm01a:/dev/ttyACM2,voltage=1.8"
    assert way.baud == 9600


def test_what_is_named_goes_before_the_list(devices):
    named = Way(port="/dev/ttyS9", meter="replay:x.npz", baud=19200)
    assert complete_way(named, devices, "energy") == named
    behind = complete_way(Way(io_manager="/dev/ttyACM3"), devices, "energy")
    assert behind.io_manager == "/dev/ttyACM3"
    assert behind.port is None


def test_a_meter_that_is_not_known_is_refused(tmp_path, devices):
    devices.write_text("- {name: wattmeter, type: power, usb: {0x0483: 0x5740}}")
    with pytest.raises(UsageError, match="'wattmeter' is none that edgeq knows"):
        complete_way(Way(), devices, "energy")


def test_without_a_way_to_a_board_nothing_is_opened():
    with pytest.raises(UsageError, match="no way to the board"):
        make_rig(Way(), "accuracy")
    with pytest.raises(UsageError, match="both a port and an IO manager"):
        make_rig(Way(port="/dev/ttyS0", io_manager="/dev/ttyS1"), "energy")


def test_the_make_of_an_io_manager_is_told_by_its_usb_id_or_asked_for(devices, monkeypatch):
    manager = SimulatedIoManager(FakeDut(energy=True))
    with plugged_in(ManagerPort(manager)) as plug:
        rig = make_rig(Way(io_manager=plug.path), "energy")
        with pytest.raises(DeviceError, match="which IO manager") as error:
            rig.open_session(Transcript())
        assert "--io-manager-type" in error.value.hint
        monkeypatch.setattr(connections, "list_ports", lambda: (port(plug.path, "0483:374e"),))
        with rig.open_session(Transcript()) as session:
            assert session.identity.model == "ic01"
        assert manager.bauds == [9600]
        assert rig.isolated
