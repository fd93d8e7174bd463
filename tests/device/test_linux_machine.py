"""The runner's answers: whatever a machine says, there is an answer or one error in time."""

from __future__ import annotations

import ast
import base64
import contextlib
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq.core.errors import DeviceError
from edgeq.device.linux.machine import RUNNER, HeldModel, LocalMachine, Runner, ask_runner
from edgeq.device.linux.replies import Refusal, Reply, decode_probe, decode_reply
from edgeq.graph.writer import write_graph
from tests.support.linux import fake_reply
from tests.support.small_cnn import small_cnn

MACHINE = LocalMachine()
ARGV = (sys.executable, str(RUNNER))
needs_proc = pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks at processes in /proc")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "small.tflite"
    path.write_bytes(write_graph(small_cnn()))
    return path


def request_for(path: Path, **changed: Any) -> dict[str, Any]:
    values = {
        "verb": "bench",
        "python": [sys.executable],
        "model": str(path),
        "inputs": [base64.b64encode(bytes(64)).decode()],
        "threads": [1],
        "xnnpack": True,
        "runs": 3,
        "warmup": 1,
    }
    return values | changed


def talk(script: str, *, timeout_s: float = 20.0) -> bytes:
    return ask_runner(MACHINE, (sys.executable, "-c", script), {"a": 1}, timeout_s=timeout_s)


def test_a_model_is_measured_in_a_fresh_process(model: Path) -> None:
    line = ask_runner(MACHINE, ARGV, request_for(model, threads=[1, 2]), timeout_s=120)
    reply = decode_reply(line)
    assert isinstance(reply, Reply)
    assert [(t.threads, len(t.spans_ns)) for t in reply.timings] == [(1, 3), (2, 3)]
    assert len(reply.output_bytes()[0]) == 10
    assert reply.cold_start_s > reply.load_s > 0
    assert reply.runtime == "ai-edge-litert"
    assert reply.peak_rss_bytes is None or reply.peak_rss_bytes > 1 << 20


def test_without_xnnpack_no_operator_is_delegated(model: Path) -> None:
    line = ask_runner(MACHINE, ARGV, request_for(model, xnnpack=False), timeout_s=120)
    reply = decode_reply(line)
    assert isinstance(reply, Reply)
    assert reply.nodes is not None
    assert "DELEGATE" not in {node.op for node in reply.nodes}


@pytest.mark.parametrize(
    ("data", "changed", "code"),
    [
        (b"no model", {}, "model"),
        (None, {"inputs": []}, "model"),
        (None, {"inputs": [base64.b64encode(b"short").decode()]}, "model"),
        (None, {"model": "/nowhere/model.tflite"}, "failed"),
        (None, {"python": [sys.executable, "-c", "import os; os.abort()"]}, "died"),
        (None, {"python": ["/nowhere/python"]}, "failed"),
    ],
)
def test_what_cannot_be_done_is_refused_with_its_reason(
    model: Path, tmp_path: Path, data: bytes | None, changed: dict[str, Any], code: str
) -> None:
    path = model
    if data is not None:
        path = tmp_path / "bad.tflite"
        path.write_bytes(data)
    line = ask_runner(MACHINE, ARGV, request_for(path, **changed), timeout_s=120)
    reply = decode_reply(line)
    assert isinstance(reply, Refusal)
    assert (reply.refused, bool(reply.detail)) == (code, True)


def test_a_held_model_runs_as_often_as_it_is_asked(model: Path) -> None:
    with Runner(MACHINE, ARGV) as runner:
        assert json.loads(runner.ask(request_for(model, verb="hold"), timeout_s=120)) == {
            "ready": True
        }
        held = HeldModel(runner)
        for runs in (0, 1, 100):
            held.invoke_quietly(runs, timeout_s=60)


def test_chatter_before_the_answer_is_skipped() -> None:
    assert talk("print('hello\\nedgeq\\nx edgeq-reply 1\\n\\nedgeq-reply {}')") == b"{}"


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("", "ended with 0"),
        ("import sys; sys.exit('no such file')", "no such file"),
        ("print('edgeq-reply', end='')", "ended with 0"),
        ("import os; os.kill(os.getpid(), 9)", "ended with -9"),
    ],
)
def test_a_runner_that_ends_early_is_told(script: str, said: str) -> None:
    with pytest.raises(DeviceError, match=said):
        talk(script)


@pytest.mark.parametrize("script", ["import time; time.sleep(60)", "while True: print('x' * 99)"])
def test_a_runner_that_never_answers_ends_at_its_deadline(script: str) -> None:
    start = time.monotonic()
    with pytest.raises(DeviceError, match="no answer from the runner within 1 s"):
        talk(script, timeout_s=1.0)
    assert time.monotonic() - start < 30


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_an_error(line: bytes) -> None:
    for decode in (decode_reply, decode_probe):
        with contextlib.suppress(DeviceError):
            decode(line)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("timings", []), ("timings", [[1, []]]), ("timings", [[0, [5.0]]]),
        ("timings", [[1, [0.0]]]), ("timings", [[1, [-1.0]]]), ("timings", [[1, [5.0], 0]]),
        ("load_s", -1.0), ("peak_rss_bytes", -1), ("prefixes", [-1.0]), ("extra", 1),
        ("nodes", [["CONV_2D", [0]]]), ("outputs", [1]), ("runtime", None),
    ],
)  # fmt: skip
def test_figures_that_cannot_be_are_refused(field: str, value: Any) -> None:
    good = msgspec.to_builtins(fake_reply(small_cnn()))
    assert isinstance(decode_reply(json.dumps(good).encode()), Reply)
    with pytest.raises(DeviceError, match="damaged"):
        decode_reply(json.dumps(good | {field: value}).encode())


def test_outputs_that_are_no_base64_are_refused() -> None:
    with pytest.raises(DeviceError, match="damaged"):
        fake_reply(small_cnn(), outputs=("*",)).output_bytes()


@needs_proc
def test_the_runner_and_its_child_end_with_the_host(model: Path) -> None:
    """The host is killed in mid-run: its end of stdin closes, and nothing is left running."""
    endless = json.dumps(request_for(model, runs=10_000_000)).encode() + b"\n"
    with subprocess.Popen(ARGV, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.write(endless)
        process.stdin.flush()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        end = time.monotonic() + 60
        while not (started := children.read_text().split()) and time.monotonic() < end:
            time.sleep(0.05)
        process.stdin.close()
        assert process.wait(timeout=30) == 3
    end = time.monotonic() + 30
    while any(_runs(pid) for pid in started) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(_runs(pid) for pid in started)


def _runs(pid: str) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:1]
    except OSError:
        return False


def test_the_runner_needs_nothing_of_edgeq() -> None:
    """It is shipped alone: it imports the standard library, and names no module of ours."""
    text = RUNNER.read_text("utf-8")
    assert "import edgeq" not in text
    assert "from edgeq" not in text
    ast.parse(text, feature_version=(3, 7))
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-S", str(RUNNER)], input=b'{"verb": "probe"}\n', capture_output=True,
        env=environment, check=True, cwd="/",
    )  # fmt: skip
    probe = decode_probe(done.stdout.partition(b"edgeq-reply ")[2])
    assert not isinstance(probe, Refusal)
    assert (probe.runtime, probe.numpy) == ("", False)
