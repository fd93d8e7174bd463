"""Goals, budgets and fast memory: what is asked for is kept, or refused with the reason."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edgeq.boards.registry import find_board
from edgeq.compile import compile_graph
from edgeq.compile.target import Target
from edgeq.core.errors import GateError
from edgeq.core.records import CompileOptions
from tests.support.native import compile_strictly, write_library
from tests.support.small_cnn import small_cnn

SPEED = CompileOptions(goal="speed")
WAITING = Target(options=SPEED, room=8192, slow_flash=True)


def test_the_hottest_constants_are_marked_where_flash_waits(tmp_path: Path) -> None:
    compiled = compile_graph(small_cnn(), name="small", target=WAITING)
    data = compiled.files["small_data.h"]
    assert 0 < compiled.plan.fast_bytes <= compiled.plan.constant_bytes
    assert "SMALL_FAST static const int8_t weights0" in data
    write_library(compiled, tmp_path)
    compile_strictly("gcc", tmp_path, compiled.sources)


@pytest.mark.parametrize(
    "target",
    [
        replace(WAITING, slow_flash=False),
        replace(WAITING, room=200),
        replace(WAITING, options=CompileOptions()),
    ],
    ids=["no wait states", "no room", "another goal"],
)
def test_constants_stay_in_flash_where_ram_gains_nothing_or_is_full(target: Target) -> None:
    compiled = compile_graph(small_cnn(), name="small", target=target)
    assert compiled.plan.fast_bytes == 0
    assert "_FAST" not in compiled.files["small_data.h"]


def test_a_boards_profile_tells_room_and_wait_states() -> None:
    board = find_board("nucleo-l476rg")
    target = Target.on(board, SPEED)
    assert target.slow_flash
    assert target.room is not None
    assert 0 < target.room < board.region(board.build.data_region).size
    assert not Target.on(find_board("virt-m4"), SPEED).slow_flash


def test_a_budget_of_ram_that_cannot_be_kept_names_bytes_layer_and_tensors() -> None:
    graph = small_cnn()
    need = compile_graph(graph, name="small", target=Target(options=CompileOptions(goal="ram")))
    budget = CompileOptions(ram_bytes=need.plan.arena_bytes - 1)
    with pytest.raises(GateError, match=r"1 more than asked for; most at layer \d+ \(.*bytes\)"):
        compile_graph(graph, name="small", target=Target(options=budget))


def test_a_budget_of_flash_below_the_constants_is_refused() -> None:
    with pytest.raises(GateError, match=r"the constants take .* more than asked for"):
        compile_graph(
            small_cnn(), name="small", target=Target(options=CompileOptions(flash_bytes=16))
        )


_COMPILE = """
import hashlib
from edgeq.compile import compile_graph
from edgeq.compile.target import Target
from edgeq.core.records import CompileOptions
from tests.compile.streaming.test_groups import deep_middle
target = Target(options=CompileOptions(goal="ram"), dsp=True)
files = compile_graph(deep_middle(), name="m", target=target).files
print(hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest())
"""


@pytest.mark.parametrize("seeds", [3, pytest.param(10, marks=pytest.mark.slow)])
def test_the_same_model_gives_the_same_files_whatever_the_hash_seed(seeds: int) -> None:
    digests = set()
    for seed in range(seeds):
        environment = os.environ | {"PYTHONHASHSEED": str(seed)}
        command = [sys.executable, "-c", _COMPILE]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        digests.add(done.stdout)
    assert len(digests) == 1
