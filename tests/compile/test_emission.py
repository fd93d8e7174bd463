"""What is emitted for TensorFlow Lite Micro: files, arena for any core, offsets of the file."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from edgeq.compile.arena import estimate_arena
from edgeq.compile.emission import EmissionTarget, emit_graph
from edgeq.core.errors import InputError, UsageError
from edgeq.graph.metadata import offline_offsets
from edgeq.graph.reader import read_graph
from edgeq.graph.writer import write_graph
from tests.support.micro_models import dense
from tests.support.models import activation, conv_model, one_op
from tests.support.native import compile_strictly
from tests.support.small_cnn import small_cnn

DATA = write_graph(small_cnn())
GRAPH = read_graph(DATA, "net.tflite")


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_files_compile_without_a_warning(compiler: str, tmp_path: Path) -> None:
    record, files = emit_graph(GRAPH, DATA, "net", EmissionTarget())
    assert record.files == ("net_model.c", "net_model.h", "net_op_resolver.h")
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="ascii")
    reference, cmsis_nn, mve = (a.bytes for a in record.arenas)
    (tmp_path / "use.c").write_text(
        '#include "net_model.h"\n'
        f"typedef char a[NET_ARENA_BYTES_REFERENCE == {reference} ? 1 : -1];\n"
        f"typedef char b[NET_ARENA_BYTES_CMSIS_NN == {cmsis_nn} ? 1 : -1];\n"
        "#define __ARM_FEATURE_MVE 1\n#undef NET_MODEL_H\n#undef NET_ARENA_BYTES_CMSIS_NN\n"
        '#include "net_model.h"\n'
        f"typedef char c[NET_ARENA_BYTES_CMSIS_NN == {mve} ? 1 : -1];\n"
    )
    compile_strictly(compiler, tmp_path, ["net_model.c", "use.c"])


@pytest.mark.parametrize(
    ("core", "cores"),
    [
        ("", ["cortex-m4", "cortex-m4", "cortex-m55"]),
        ("cortex-m0plus", ["cortex-m0plus", "cortex-m0plus"]),
        ("xtensa-lx6", ["cortex-m4", "cortex-m4", "cortex-m55"]),
    ],
)
def test_the_arena_is_that_of_the_boards_core(core: str, cores: list[str]) -> None:
    record, _ = emit_graph(GRAPH, DATA, "net", EmissionTarget(core))
    assert [a.core for a in record.arenas] == cores
    assert [a.kernels for a in record.arenas] == ["reference"] + ["cmsis-nn"] * (len(cores) - 1)


def test_cores_without_dsp_need_no_more_than_the_header_says() -> None:
    for graph in (GRAPH, conv_model(), dense((1, 12), 9, axis=None)):
        plain, dsp = (
            estimate_arena(graph, kernels="cmsis-nn", core=core).bytes
            for core in ("cortex-m0", "cortex-m4")
        )
        assert plain <= dsp


def test_the_problems_of_a_version_are_in_the_record() -> None:
    data = write_graph(dense((1, 12), 9, axis=0))
    record, _ = emit_graph(read_graph(data, "d"), data, "d", EmissionTarget(version="2023-01-01"))
    assert record.version == "2023-01-01"
    assert record.problems == record.wrong != ()
    assert emit_graph(GRAPH, DATA, "net", EmissionTarget())[0].problems == ()


def test_without_a_version_the_latest_is_meant() -> None:
    data = write_graph(one_op("EXP", [activation((4,))], activation((4,))))
    record, _ = emit_graph(read_graph(data, "e"), data, "e", EmissionTarget())
    assert record.version == "2026-08-20"
    assert [p.effect for p in record.problems] == ["fails"]


def test_an_operator_that_the_runtime_lacks_is_refused() -> None:
    data = write_graph(one_op("GELU", [activation((4,))], activation((4,))))
    with pytest.raises(InputError, match="has no operator GELU"):
        emit_graph(read_graph(data, "g"), data, "g", EmissionTarget())


def test_an_unknown_npu_is_refused() -> None:
    with pytest.raises(UsageError, match="edge-tpu"):
        emit_graph(GRAPH, DATA, "net", EmissionTarget("cortex-m55", "edge-tpu"))


def _with_metadata(name: str, content: bytes) -> bytes:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model: Any = schema.ModelT.InitFromPackedBuf(DATA, 0)
    model.buffers.append(schema.BufferT(data=list(content)))
    model.metadata = [schema.MetadataT(name=name, buffer=len(model.buffers) - 1)]
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def test_the_offsets_of_the_file_are_read() -> None:
    count = len(GRAPH.tensors)
    offsets = [-1] * count
    offsets[0] = 32
    data = _with_metadata(
        "OfflineMemoryAllocation", struct.pack(f"<{3 + count}i", 1, 0, count, *offsets)
    )
    assert offline_offsets(data, "net") == {0: 32}
    assert offline_offsets(_with_metadata("other", b"1234"), "net") == {}
    assert offline_offsets(DATA, "net") == {}


@pytest.mark.parametrize("content", [b"", b"123", struct.pack("<3i", 1, 0, 10**9)])
def test_hostile_offsets_are_refused(content: bytes) -> None:
    with pytest.raises(InputError, match=r"metadata\[0\].*offsets"):
        offline_offsets(_with_metadata("OfflineMemoryAllocation", content), "net")


def test_offsets_that_do_not_count_the_tensors_are_refused() -> None:
    count = len(GRAPH.tensors)
    content = struct.pack(f"<{3 + count}i", 1, 0, count + 1, *[-1] * count)
    with pytest.raises(InputError, match=f"{count + 1} offsets for {count} tensors"):
        offline_offsets(_with_metadata("OfflineMemoryAllocation", content), "net")
