"""The assembly of the SMLAD convolutions gives the oracle's bytes on an emulated Cortex-M4."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgeq import api
from edgeq.core.records import CompileOptions
from edgeq.graph.writer import write_graph
from tests.support.crowds import convolutions


@pytest.mark.parametrize("toolchain", ["zig", pytest.param("gcc-arm", marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "seed", [1, *(pytest.param(s, marks=pytest.mark.slow) for s in range(2, 40))]
)
def test_convolutions_are_bit_exact(tmp_path: Path, seed: int, toolchain: str) -> None:
    path = tmp_path / "convolutions.tflite"
    for square, options in ((False, CompileOptions()), (True, CompileOptions(goal="speed"))):
        path.write_bytes(write_graph(convolutions(seed, square=square)))
        result = api.bench(
            path, board="virt-m4", runs=1, layers=False, toolchain=toolchain, options=options
        )
        assert result.output.bit_exact is True
