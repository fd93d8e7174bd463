"""Whatever a meter sends after it was started, a trace is made of it that holds together."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError
from edgeq.device.meters import streamed, table
from edgeq.device.meters.trace import Trace
from tests.device.meters.scripted import ScriptedStream
from tests.support.meters.faults import CLEAN
from tests.support.meters.ina_bridge import InaBridge, frame
from tests.support.meters.ina_series import InaSeries
from tests.support.meters.lpm01a import Lpm01a
from tests.support.meters.ppk2 import Ppk2
from tests.support.meters.signals import constant
from tests.support.meters.streaming import StreamingMeter

NUMBERS = st.one_of(
    st.integers(-(10**30), 10**30), st.floats(), st.sampled_from(["", "nan", "1e999", "-0", "\x1b"])
)
WORDS = st.integers(0, 2**32 - 1).map(lambda word: word.to_bytes(4, "little"))
LINES = {
    "ppk2": WORDS,
    "lpm01a": st.builds(
        lambda form, a, b: form.format(a, b).encode(),
        st.sampled_from(
            ["{}-{}\r\n", "{}+{}\r\n", "TimeStamp: {}s {}ms, buff 00%\r\n", "event {} ris\r\n",
             "PowerShield > error {}\r\n", "end\r\n"]
        ),
        NUMBERS, NUMBERS,
    ),
    "lpm01a,binary": st.one_of(
        st.binary(min_size=2, max_size=2),
        st.builds(
            lambda kind, body: b"\xf0" + bytes([kind]) + body + b"\xff\xff",
            st.integers(0xF0, 0xF8), st.binary(max_size=8),
        ),
    ),
    "ina": st.builds(
        lambda kind, fields: frame(",".join([kind, *map(str, fields)])),
        st.sampled_from(["s", "e", "#start", "x"]), st.lists(NUMBERS, max_size=8),
    ),
    "ina,jsonl": st.dictionaries(
        st.sampled_from(["v", "chip", "seq", "t_ms", "bus_V", "current_A", "power_W"]),
        st.one_of(NUMBERS, st.none(), st.lists(st.none())), max_size=7,
    ).map(lambda fields: json.dumps(fields).encode() + b"\r\n"),
}  # fmt: skip
KINDS: dict[str, tuple[type[StreamingMeter], str]] = {
    "ppk2": (Ppk2, "ppk2:socket://127.0.0.1:1,voltage=3.0"),
    "lpm01a": (Lpm01a, "lpm01a:socket://127.0.0.1:1,voltage=3.0"),
    "lpm01a,binary": (
        Lpm01a,
        "lpm01a:socket://127.0.0.1:1,voltage=3.0,output=current,format=binary",
    ),
    "ina": (InaBridge, "ina:socket://127.0.0.1:1"),
    "ina,jsonl": (InaSeries, "ina:socket://127.0.0.1:1,format=jsonl"),
}


SAMPLES = 60


def _record(
    kind: str, spoil: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch
) -> Trace | None:
    """Return the trace of 60 samples, their bytes spoilt; None where nothing came of them."""
    make, spec = KINDS[kind]
    device = make(constant(1e-3, 1.0), CLEAN)
    sent: list[bytes] = []

    def answer(data: bytes) -> list[bytes]:
        """Answer as the meter does; once it is started, send the samples too."""
        replies = [device.hear(data)]
        if device.is_streaming and not sent:
            all_kept, none_clipped = np.ones(SAMPLES, np.bool_), np.zeros(SAMPLES, np.bool_)
            current = np.full(SAMPLES, 1e-3)
            sent.append(spoil(device.encode(0, current, all_kept, none_clipped)))
            replies += sent
        return [reply for reply in replies if reply]

    monkeypatch.setattr(table, "open_stream", lambda *_, **__: ScriptedStream(answer))
    meter = table.open_meter(spec)
    try:
        meter.start()
        return meter.stop()
    except DeviceError:
        return None
    finally:
        meter.close()


@pytest.mark.parametrize("kind", list(KINDS))
@given(data=st.data())
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_fuzzed_stream_gives_a_trace_that_holds_together(
    kind: str, data: st.DataObject, monkeypatch: pytest.MonkeyPatch
):
    changes = data.draw(
        st.lists(
            st.tuples(
                st.integers(0, 4000), st.integers(0, 60), st.one_of(LINES[kind], st.binary())
            ),
            max_size=8,
        )
    )

    def spoil(sent: bytes) -> bytes:
        for at, removed, added in changes:
            at %= len(sent) + 1
            sent = sent[:at] + added + sent[at + removed :]
        return sent

    with monkeypatch.context() as patch:
        patch.setattr(streamed, "QUIET_S", 0.03)
        patch.setattr(streamed, "FIRST_S", 0.3)
        trace = _record(kind, spoil, patch)
    if trace is None:
        return
    count = len(trace.time_s)
    assert count <= 2 * SAMPLES + sum(len(added) for _, _, added in changes)
    assert {len(trace.current_a), len(trace.power_w), len(trace.clipped)} == {count}
    assert np.isfinite(trace.time_s).all()
    assert np.isfinite(trace.power_w).all()
    assert np.isfinite(trace.current_a).all()
    assert (np.diff(trace.time_s) > 0).all()
    assert all(gap.samples > 0 and gap.end_s > gap.start_s for gap in trace.gaps)
    moments = [mark.time_s for mark in trace.marks]
    assert moments == sorted(moments)
    assert all(text.isprintable() for text in (*trace.warnings, trace.fault or ""))
