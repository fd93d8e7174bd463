"""Whole firmware: every toolchain, every virtual board, strictly compiled and bit-exact."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from edgeq import api
from edgeq.boards.registry import find_board
from edgeq.compile import compile_graph
from edgeq.compile.target import Target
from edgeq.firmware.build import Build, build_firmware, compile_flags, first_error
from edgeq.firmware.dialects import Dialect
from edgeq.firmware.project import make_project
from edgeq.firmware.toolchains import TOOLCHAINS, is_installed
from edgeq.graph.writer import write_graph
from tests.support.small_cnn import small_cnn

BOARDS = ("virt-m0plus", "virt-m3", "virt-m4", "virt-m7", "virt-m33", "virt-rv32imc", "host")


@pytest.fixture(name="model")
def _model(tmp_path: Path) -> Path:
    path = tmp_path / "small.tflite"
    path.write_bytes(write_graph(small_cnn()))
    return path


def _skip_without(board: str, toolchain: str | None = None) -> None:
    if find_board(board).flash.method == "unicorn":
        pytest.importorskip("unicorn")
    if not all(is_installed(t) for t in TOOLCHAINS if t.name == toolchain):
        pytest.skip(f"toolchain {toolchain} is not installed")


@pytest.mark.parametrize("board", BOARDS)
def test_a_virtual_board_gives_the_oracles_bytes(board: str, model: Path) -> None:
    _skip_without(board)
    result = api.bench(model, board=board, runs=2, layers=board == "virt-m4")
    assert result.output.bit_exact is True
    assert result.latency.runs == 2


@pytest.mark.parametrize(
    ("board", "toolchain"),
    [
        (board, toolchain.name)
        for toolchain in TOOLCHAINS
        if toolchain.target != "riscv"
        for board in (["host"] if toolchain.target == "native" else ["virt-m0plus", "virt-m4"])
    ],
)
def test_every_toolchain_builds_strictly_and_exactly(
    board: str, toolchain: str, model: Path, tmp_path: Path
) -> None:
    _skip_without(board, toolchain)
    profile = find_board(board)
    compiled = compile_graph(small_cnn(), name="small", target=Target.of(profile.core))
    build_firmware(compiled, profile, tmp_path / "fw", toolchain=toolchain, strict=True)
    result = api.bench(model, board=board, runs=1, layers=False, toolchain=toolchain)
    assert result.output.bit_exact is True


def test_the_loops_that_take_the_time_are_compiled_for_speed(tmp_path: Path) -> None:
    board = find_board("virt-m4")
    compiled = compile_graph(small_cnn(), name="small", target=Target.of(board.core))
    assert compiled.hot_sources
    assert set(compiled.hot_sources) < set(compiled.sources)
    project = make_project(compiled, board, Dialect("edgeq"), traced=False)
    for toolchain in (t for t in TOOLCHAINS if t.target == "cortex-m"):
        build = Build(project, board, toolchain, tmp_path, strict=True)
        fast = {u.source for u in project.units if "-O2" in compile_flags(build, u)}
        assert {f"model/{name}" for name in compiled.hot_sources} <= fast
        assert "model/small.c" not in fast


def test_the_same_sources_give_the_same_image(tmp_path: Path) -> None:
    pytest.importorskip("ziglang")
    board = find_board("virt-m4")
    compiled = compile_graph(small_cnn(), name="small", target=Target.of(board.core))
    images = [build_firmware(compiled, board, tmp_path / name) for name in ("a", "b")]
    first, second = (Path(image.elf).read_bytes() for image in images)
    assert first == second
    assert not re.search(rb"/tmp/|/home/", first)


def test_the_cause_is_quoted_not_what_follows_it() -> None:
    output = "x.o: in function `f':\nx.c: undefined reference to `g'\nld: error: failed\n"
    assert first_error(output) == "x.c: undefined reference to `g'"
