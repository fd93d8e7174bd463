"""Vela compiles for an Ethos-U; its figures and what stays on the CPU come out."""

from __future__ import annotations

import sys
from importlib.util import find_spec

import pytest

from edgeq.compile import vela
from edgeq.compile.arena import estimate_arena
from edgeq.compile.emission import EmissionTarget, emit_graph
from edgeq.compile.vela import npu_estimate, run_vela
from edgeq.core.errors import ToolchainError, UsageError
from edgeq.graph.ir import Graph
from edgeq.graph.metadata import offline_offsets
from edgeq.graph.reader import read_graph, read_model
from edgeq.graph.writer import write_graph
from tests.support.models import ModelBuilder, activation, conv_model
from tests.support.shared import needs_shared, shared_model
from tests.support.small_cnn import small_cnn

NPU = "ethos-u55-128"
# arena_used_bytes() of TensorFlow Lite Micro in QEMU for the model that Vela 5.2.0 makes of KWS.
KWS_USED_BYTES = 22_644

needs_vela = pytest.mark.skipif(find_spec("ethosu") is None, reason="ethos-u-vela is not installed")


def _emitted(graph: Graph) -> tuple[Graph, bytes]:
    data = write_graph(graph)
    return read_graph(data, "net.tflite"), data


def with_a_rounding() -> Graph:
    """Return a model whose second operator no Ethos-U runs."""
    model = ModelBuilder()
    last = model.input(activation((1, 8), zero_point=-3))
    last = model.op("RELU", [last], activation((1, 8), zero_point=-128))
    last = model.op("ROUND", [last], activation((1, 8), zero_point=-128))
    return model.build(last)


@needs_vela
def test_a_small_model_runs_on_the_npu_alone() -> None:
    record, files = emit_graph(*_emitted(small_cnn()), "net", EmissionTarget("cortex-m55", NPU))
    assert record.npu is not None
    assert (record.npu.kind, record.npu.accelerator) == ("estimated", NPU)
    assert record.npu.source.startswith("Vela ")
    assert record.npu.npu_operators == 1
    assert record.npu.fallback == ()
    assert record.npu.cycles > 0
    assert record.npu.inference_s == pytest.approx(record.npu.cycles / record.npu.clock_hz)
    assert "AddEthosU()" in files["net_op_resolver.h"]
    assert f"NET_MODEL_BYTES {record.model_bytes}" in files["net_model.h"]


@needs_vela
def test_the_same_model_gives_the_same_files() -> None:
    first, second = (
        emit_graph(*_emitted(small_cnn()), "net", EmissionTarget("cortex-m55", NPU))
        for _ in range(2)
    )
    assert first == second


@needs_vela
def test_what_the_npu_cannot_run_stays_on_the_cpu() -> None:
    record, files = emit_graph(
        *_emitted(with_a_rounding()), "net", EmissionTarget("cortex-m55", NPU)
    )
    assert record.npu is not None
    assert "ROUND" in record.npu.fallback
    assert "AddRound()" in files["net_op_resolver.h"]
    assert [(p.op, p.effect) for p in record.problems] == [("ROUND", "fails")]


@needs_vela
def test_the_arena_holds_the_memory_that_the_npu_works_in() -> None:
    record, _ = emit_graph(*_emitted(small_cnn()), "net", EmissionTarget("cortex-m55", NPU))
    assert record.npu is not None
    assert [a.core for a in record.arenas] == ["cortex-m55", "cortex-m55"]
    assert all(record.npu.sram_bytes <= a.bytes for a in record.arenas)
    assert all(not a.unknown for a in record.arenas)


@needs_vela
@needs_shared
def test_the_arena_of_a_real_model_is_the_recorded_one() -> None:
    path = shared_model("kws")
    data, summary = run_vela(path.read_bytes(), NPU)
    graph = read_graph(data, "kws_vela.tflite")
    npu = npu_estimate(graph, summary, NPU)
    if npu.source != "Vela 5.2.0":
        pytest.skip(f"recorded with Vela 5.2.0, not {npu.source}")
    assert npu.fallback == ()
    offline = offline_offsets(data, "kws_vela.tflite")
    for kernels in ("reference", "cmsis-nn"):
        estimate = estimate_arena(graph, kernels=kernels, core="cortex-m55", offline=offline)
        assert estimate.used_bytes == KWS_USED_BYTES
    assert read_model(path).file_bytes != len(data)


@needs_vela
def test_a_hostile_model_gives_one_clear_error() -> None:
    with pytest.raises(ToolchainError, match="Vela could not compile the model"):
        run_vela(b"TFL3" * 64, NPU)


@pytest.mark.parametrize("name", ["", "ethos-u55", "--help", "ethos-u55-128;ls", "edge-tpu"])
def test_an_unknown_accelerator_never_reaches_vela(name: str) -> None:
    with pytest.raises(UsageError, match="no accelerator of Vela"):
        run_vela(b"", name)


def test_without_vela_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> str:
        raise ToolchainError(f"{name} is not installed", hint="pip install 'edgeq[ethos]'")

    monkeypatch.setattr(vela, "require", missing)
    with pytest.raises(ToolchainError, match="ethos-u-vela is not installed"):
        run_vela(write_graph(conv_model()), NPU)


def _fake_vela(code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vela, "require", lambda name: "0")
    monkeypatch.setattr(vela, "python_argv", lambda *args: [sys.executable, "-c", code])


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import sys; sys.exit('no\\x1b[0m way')", r"no\\x1b\[0m way"),
        ("print('done')", "done"),
        ("import sys; sys.exit(3)", "ended with 3"),
    ],
)
def test_a_vela_that_fails_is_quoted_on_one_line(
    code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _fake_vela(code, monkeypatch)
    with pytest.raises(ToolchainError, match=said):
        run_vela(b"", NPU)


@pytest.mark.parametrize("summary", [{}, {"system_config": "s", "memory_mode": "m"}])
def test_a_summary_without_figures_is_refused(summary: dict[str, str]) -> None:
    if find_spec("ethosu") is None:
        pytest.skip("ethos-u-vela is not installed")
    with pytest.raises(ToolchainError, match="no figure for"):
        npu_estimate(conv_model(), summary, NPU)
