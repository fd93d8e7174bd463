"""Specs of meters: read strictly, hostile ones refused before anything is opened."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError, EdgeqError, UsageError
from edgeq.device.meters.replay import write_trace
from edgeq.device.meters.specs import parse_spec
from edgeq.device.meters.table import METERS, MeterRow, find_serial, open_meter
from tests.device.meters.test_replay import TRACE
from tests.support.hostile import CANARY, HOSTILE
from tests.support.usb import plug, serial_port


@pytest.mark.parametrize(
    ("spec", "name", "port", "options"),
    [("ppk2", "ppk2", None, {}), ("ppk2:/dev/ttyACM0", "ppk2", "/dev/ttyACM0", {}),
     ("ppk2,voltage=3", "ppk2", None, {"voltage": "3"}),
     ("ppk2:socket://h:1,voltage=3,mode=source", "ppk2", "socket://h:1",
      {"voltage": "3", "mode": "source"}),
     ("otii,device=a:b,voltage=3", "otii", None, {"device": "a:b", "voltage": "3"})],
)  # fmt: skip
def test_a_spec_has_a_name_a_port_and_options(
    spec: str, name: str, port: str | None, options: dict[str, str]
) -> None:
    parsed = parse_spec(spec)
    assert (parsed.name, parsed.port, parsed.options) == (name, port, options)


@pytest.mark.parametrize(
    ("spec", "words"),
    [("", "no meter"), ("pkk2", "Did you mean ppk2"), ("ppk2:/dev/ttyACM0", "needs voltage"),
     ("ppk2,voltage", "no option=value"), ("ppk2,voltage=3,voltage=3", "twice"),
     ("ppk2,voltage=3,", "no option=value"), ("ppk2,", "no option=value"),
     ("ppk2,volatge=3", "Did you mean voltage"), ("ppk2,voltage=9", "from 0.8 to 5"),
     ("ppk2,voltage=nan", "volts"), ("ppk2,voltage=1_0", "volts"), ("ppk2,voltage=3,mode=x", "one"),
     ("ppk2,voltage=3,channels=d0+d9", "some of"), ("ppk2,voltage=3,filter=yes", "on, off"),
     ("lpm01a,voltage=3.3,rate=7", "sample rate"), ("lpm01a,voltage=3.3,rate=-1", "whole"),
     ("replay", "needs a file")],
)  # fmt: skip
def test_a_wrong_spec_is_refused_with_the_reason(
    spec: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug(monkeypatch, serial_port("/dev/ttyACM0", METERS["lpm01a"].usb_ids[0], None))
    with pytest.raises(UsageError, match=words) as failure:
        open_meter(spec)
    assert failure.value.hint


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("row", METERS.values(), ids=lambda row: row.name)
def test_a_hostile_port_does_nothing(
    row: MeterRow, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    needed = ",".join(f"{k}=3" for k, o in row.options.items() if o.default is None)
    for spec in (f"{row.name}:{text},{needed}", f"{row.name}:/dev/ttyS99,{needed},x={text}"):
        with pytest.raises(EdgeqError) as failure:
            open_meter(spec)
        assert failure.value.exit_code in (2, 3, 4, 5)
    assert not (tmp_path / CANARY).exists()


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_refused_or_a_spec(text: str) -> None:
    with pytest.raises(EdgeqError):
        open_meter(f"replay:/nowhere/{text}")
    with pytest.raises(EdgeqError):
        open_meter(f"{text}:x")


def test_a_recording_is_opened_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "a,b=c.npz"
    write_trace(path, TRACE)
    meter = open_meter(f"replay:{path}")
    meter.start()
    assert meter.stop().meter == "Test meter (simulated)"


def test_a_port_that_is_not_named_is_found_by_its_usb_id(monkeypatch: pytest.MonkeyPatch) -> None:
    row = METERS["ppk2"]
    plug(monkeypatch)
    with pytest.raises(DeviceError, match="1915:c00a") as failure:
        find_serial(row)
    assert "name its port" in failure.value.hint
    kit = serial_port("/dev/ttyACM3", "1915:c00a", "A")
    console = serial_port("/dev/ttyACM1", "1915:c00a", "A")
    plug(monkeypatch, kit, console)
    assert find_serial(row) == "/dev/ttyACM1"
    plug(monkeypatch, kit, serial_port("/dev/ttyACM5", "1915:c00a", "B"))
    with pytest.raises(DeviceError, match="more than one"):
        find_serial(row)


@pytest.mark.parametrize("row", METERS.values(), ids=lambda row: row.name)
def test_every_row_is_whole(row: MeterRow) -> None:
    assert row.example.startswith(row.name)
    parsed = parse_spec(row.example, whole_port=row.port == "file")
    assert set(parsed.options) <= set(row.options)
    assert all(option.help for option in row.options.values())
