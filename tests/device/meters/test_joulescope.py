"""The Joulescope's messages put together: losses, inputs, NaN, which instrument is meant."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from edgeq.core.errors import DeviceError
from edgeq.device.meters.joulescope import JoulescopeMeter, JoulescopeSettings, choose_device
from edgeq.device.meters.trace import Trace

PATH = "u/js220/000123"
Sent = tuple[str, int, Any]


class Script:
    """A driver that hands over messages as soon as the last stream is switched on."""

    def __init__(self, messages: list[Sent], *, refuse: str = "") -> None:
        self.published: list[tuple[str, Any]] = []
        self.closed: list[str] = []
        self._messages, self._refuse = messages, refuse
        self._listeners: dict[str, Callable[[str, Any], None]] = {}

    def device_paths(self) -> list[str]:
        return [PATH]

    def open(self, device_prefix: str) -> None:
        if self._refuse == "open":
            raise RuntimeError("jsdrv open failed: IN_USE")

    def close(self, device_prefix: str) -> None:
        self.closed.append(device_prefix)

    def finalize(self) -> None:
        self.closed.append("driver")

    def subscribe(self, topic: str, flags: str, fn: Callable[[str, Any], None]) -> None:
        self._listeners[topic] = fn

    def unsubscribe(self, topic: str, fn: Callable[[str, Any], None]) -> None:
        assert self._listeners.pop(topic) == fn

    def publish(self, topic: str, value: Any) -> None:
        self.published.append((topic.removeprefix(f"{PATH}/"), value))
        if topic == f"{PATH}/s/gpi/0/ctrl" and value == 1:
            for stream, first, data in self._messages:
                if stream == "@/!remove":
                    self._listeners[stream](stream, PATH)
                    continue
                name = f"{PATH}/{stream}/!data"
                message = {"sample_id": first * 10, "decimate_factor": 10, "data": data}
                self._listeners[name](name, message)


def record(messages: list[Sent]) -> tuple[Trace, Script]:
    """Return the trace of a recording in which messages arrive."""
    driver = Script(messages)
    meter = JoulescopeMeter(driver, PATH, JoulescopeSettings())
    meter.start()
    trace = meter.stop()
    meter.close()
    meter.close()
    return trace, driver


def signal(stream: str, first: int, values: list[float]) -> Sent:
    """Return a message of samples."""
    return stream, first, np.array(values, np.float32)


def test_current_and_voltage_are_power_and_losses_are_gaps() -> None:
    trace, driver = record(
        [signal("s/i", 50, [1, 1, 1]), signal("s/v", 50, [3, 3, 3]),
         signal("s/i", 55, [2, 2, float("nan"), 12]), signal("s/v", 55, [3] * 4)]
    )  # fmt: skip
    assert trace.power_w.tolist() == [3, 3, 3, 6, 6, 36]
    assert [(g.samples, round(g.start_s * 1e5)) for g in trace.gaps] == [(2, 3), (1, 7)]
    assert trace.clipped.tolist() == [False] * 5 + [True]
    assert driver.closed == [PATH, "driver"]
    assert ("h/fs", 100_000) in driver.published


def test_an_input_is_eight_samples_to_a_byte() -> None:
    amperes = [signal("s/i", 0, [0] * 12), signal("s/v", 0, [3] * 12)]
    trace, _ = record([*amperes, ("s/gpi/0", 0, np.array([0b11111000, 0b0011], np.uint8))])
    assert [(m.channel, m.edge, round(m.time_s * 1e5)) for m in trace.marks] == [
        ("gpi0", "rising", 3), ("gpi0", "falling", 10),
    ]  # fmt: skip


def test_an_instrument_that_goes_away_leaves_what_it_sent() -> None:
    trace, _ = record(
        [signal("s/i", 0, [1]), signal("s/v", 0, [3]), ("@/!remove", 0, None),
         signal("s/i", 1, [1])]
    )  # fmt: skip
    assert trace.fault == "Joulescope JS220 was unplugged"
    assert len(trace.time_s) == 1


def test_an_instrument_in_use_says_so() -> None:
    with pytest.raises(DeviceError, match="IN_USE") as failure:
        JoulescopeMeter(Script([], refuse="open"), PATH, JoulescopeSettings())
    assert "close the program" in failure.value.hint


@pytest.mark.parametrize(
    ("paths", "wanted", "found"),
    [([PATH], None, PATH), ([PATH, "u/js110/7"], "7", "u/js110/7"), ([PATH], PATH, PATH)],
)
def test_the_instrument_that_is_meant_is_found(
    paths: list[str], wanted: str | None, found: str
) -> None:
    assert choose_device(paths, wanted) == found


@pytest.mark.parametrize(
    ("paths", "wanted", "words"),
    [([], None, "no Joulescope is"), ([PATH], "9", "no Joulescope 9"),
     ([PATH, "u/js110/7"], None, "more than one")],
)  # fmt: skip
def test_an_instrument_is_never_guessed(paths: list[str], wanted: str | None, words: str) -> None:
    with pytest.raises(DeviceError, match=words):
        choose_device(paths, wanted)
