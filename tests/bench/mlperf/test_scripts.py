"""Test scripts and device lists of the public runner are read, and anything else is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.bench.mlperf.devices import find_device, pick_device, read_devices
from edgeq.bench.mlperf.scripts import (
    Download,
    Infer,
    Loop,
    Stream,
    Watchdog,
    default_script,
    find_script,
    read_scripts,
)
from edgeq.bench.mlperf.tasks import TASKS, find_task
from edgeq.core.errors import DeviceError, InputError, UsageError
from edgeq.device.ports import SerialPort

SCRIPTS = """
ad01:
  name: anomaly
  model: ad01
  truth_file: y_labels.csv
  script:
    - loop:
      - download
      - infer 1 0 # inferences, warm-ups
      - reset 20
ic02:
  name: larger
  model: ic01
  truth_file: y_labels.csv
  script:
    - loop 5:
      - download
      - infer 20 5
sww01:
  model: sww01
  truth_file: sww_long_test.json
  script:
    - stream
"""
DEVICES = """
- name: stm32h573i-dk
  type: interface
  preference: 2
  baud: 115200
  usb:
    0x0483: 0x374E
- name: arduino
  type: interface
  preference: 1
  baud: 115200
  usb:
    0x2341:
      - 0x0043
      - 0x0001
- name: lpm01a
  type: power
  baud: 3686400
  echo: False
  preference: 2
  voltage: 1.8
  usb:
    0x0483: 0x5740
- name: l4r5zi
  type: dut
  baud:
    energy: 9600
    performance: 921600
    accuracy: 921600
  usb:
    0x0483: 0x374B
- name: js220
  type: power
  interface: direct_usb
  preference: 1
  raw_sampling_rate: 1000000
  virtual_sampling_rate: 1000
  usb:
    0x16D0: 0x10BA
"""


def write(tmp_path, text):
    path = tmp_path / "file.yaml"
    path.write_text(text)
    return path


def port(device, usb_id, description=""):
    return SerialPort(
        device=device, description=description, usb_id=usb_id, serial_number=None, boards=()
    )


def test_scripts_of_the_public_runner_are_read(tmp_path):
    path = write(tmp_path, SCRIPTS)
    scripts = read_scripts(path)
    assert scripts["ad01"].steps == (Loop((Download(), Infer(1, 0), Watchdog(20.0))),)
    assert scripts["ic02"].steps == (Loop((Download(), Infer(20, 5)), 5),)
    assert scripts["ic02"].model == "ic01"
    assert scripts["sww01"].steps == (Stream(),)
    assert find_script(path, find_task("strww01")).name == "sww01"
    with pytest.raises(InputError, match="no script for kws01"):
        find_script(path, find_task("kws01"))


@pytest.mark.parametrize("task", TASKS)
def test_each_task_has_scripts_of_its_own(task):
    found = find_task(task)
    for mode in ("performance", "energy", "accuracy"):
        (loop,) = default_script(found, mode).steps
        assert loop.count == (None if mode == "accuracy" else 5)
    assert default_script(found, "performance", 777).steps[0].steps[1].inferences == 777


def test_an_unknown_task_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="kws01"):
        find_task("kws1")


HEAD = "ic01:\n  model: ic01\n  truth_file: y\n  script:\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "no scripts"),
        ("- a", "no scripts"),
        ("ic01: 5", "no mapping"),
        ("ic01: {model: ic01, truth_file: y}", "no field 'script'"),
        ("ic01: {model: ic01, truth_file: y, script: []}", "no steps"),
        ("ic01: {model: other, truth_file: y, script: [infer 1 0]}", "no task of MLPerf Tiny"),
        ("ic01: {model: ic01, truth_file: 3, script: [infer 1 0]}", "truth_file is 3"),
        ("ic01: {model: ic01, truth_file: y, script: [infer 1 0], more: 1}", "unknown field"),
        (HEAD + "    - download", "neither 'infer' nor 'stream'"),
        (HEAD + "    - reboot", "unknown step 'reboot'"),
        (HEAD + "    - infer one", "no numbers"),
        (HEAD + "    - infer 0 5", "does nothing"),
        (HEAD + "    - infer 1 2 3", "at most 2"),
        (HEAD + "    - infer 1.5", "at most 2"),
        (HEAD + "    - infer 99999999999", "at most 2"),
        (HEAD + "    - infer nan", "at most 2"),
        (HEAD + "    - infer -1", "at most 2"),
        (HEAD + "    - reset", "no seconds"),
        (HEAD + "    - loop 5", "no steps"),
        (HEAD + "    - loop 0:\n      - infer 1", "does nothing"),
        (HEAD + "    - 7", "no command"),
        (HEAD + "    - infer 1:\n      - download", "unknown step"),
        ("a: &x [1]\nb: *x", "alias"),
        ("ic01: !!python/object/apply:os.system ['true']", "tag"),
        ("ic01: 1\nic01: 2", "twice"),
        ("ic01: [", "no YAML"),
        ("\x00", "no YAML"),
        ("? [a]\n: 1", "no YAML"),
        (HEAD + "    - loop:\n" * 1 + "      - loop:\n        - loop:\n          - loop:\n"
         "            - infer 1", "nests loops"),
    ],
)  # fmt: skip
def test_a_script_that_is_none_is_refused_with_its_field(tmp_path, text, complaint):
    with pytest.raises(InputError, match=complaint) as error:
        read_scripts(write(tmp_path, text))
    assert "file.yaml" in error.value.cause


@given(st.text(max_size=200) | st.binary(max_size=100))
def test_no_text_does_more_than_fail(tmp_path_factory, text):
    path = tmp_path_factory.mktemp("yaml") / "file.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    for read in (read_scripts, read_devices):
        with pytest.raises(InputError):
            read(path)


def test_devices_of_the_public_runner_are_read(tmp_path):
    devices = read_devices(write(tmp_path, DEVICES))
    board = pick_device(devices, "dut")
    assert (board.baud("energy"), board.baud("performance")) == (9600, 921600)
    assert pick_device(devices, "interface").name == "stm32h573i-dk"
    meter = pick_device(devices, "power")
    assert (meter.name, meter.voltage_v, meter.usb_ids) == ("lpm01a", 1.8, ("0483:5740",))
    assert pick_device(devices[:2], "power") is None


def test_attached_devices_are_found_by_preference_and_never_guessed(tmp_path):
    devices = read_devices(write(tmp_path, DEVICES))
    ports = [port("/dev/ttyACM0", "2341:0001"), port("/dev/ttyACM1", "0483:374b")]
    assert find_device(devices, "interface", ports)[1] == "/dev/ttyACM0"
    device, name = find_device(devices, "dut", ports)
    assert (device.name, name) == ("l4r5zi", "/dev/ttyACM1")
    assert find_device(devices, "power", ports) is None
    ports.append(port("/dev/ttyACM2", "0483:374e"))
    assert find_device(devices, "interface", ports)[0].name == "stm32h573i-dk"
    ports.append(port("/dev/ttyACM3", "0483:374b"))
    with pytest.raises(DeviceError, match="more than one port"):
        find_device(devices, "dut", ports)


def test_a_device_is_found_by_its_description_too(tmp_path):
    text = "- {name: a, type: dut, usb_description: Bridge}"
    (device,) = read_devices(write(tmp_path, text))
    assert device.matches(port("/dev/ttyUSB0", None, "A Bridge of USB"))
    assert not device.matches(port("/dev/ttyUSB0", None, "other"))


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{}", "no list"),
        ("- 5", "no mapping"),
        ("- {type: dut}", "no field 'name'"),
        ("- {name: a, type: robot}", "type is 'robot'"),
        ("- {name: a, type: dut, baud: fast}", "baud is 'fast'"),
        ("- {name: a, type: dut, baud: true}", "baud is True"),
        ("- {name: a, type: dut, baud: {energy: 0}}", "baud of 'energy'"),
        ("- {name: a, type: dut, baud: {speed: 9600}}", "baud of 'speed'"),
        ("- {name: a, type: dut, usb: {x: 1}}", "no number of 16 bits"),
        ("- {name: a, type: dut, usb: {1: 70000}}", "no number of 16 bits"),
        ("- {name: a, type: power, voltage: 230}", "voltage is 230"),
        ("- {name: a, type: power, voltage: .nan}", "voltage is nan"),
        ("- {name: a, type: dut, colour: red}", "unknown field 'colour'"),
    ],
)
def test_a_device_list_that_is_none_is_refused_with_its_field(tmp_path, text, complaint):
    with pytest.raises(InputError, match=complaint):
        read_devices(write(tmp_path, text))
