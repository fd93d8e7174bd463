"""The MLPerf Tiny models on every virtual board: the same bytes as TensorFlow Lite Micro."""

from __future__ import annotations

import pytest

from edgeq import api
from tests.support.shared import CHECK_VALUES, needs_shared, shared_model

QUICK = ("virt-m4", "host")
OTHERS = ("virt-m0plus", "virt-m3", "virt-m7", "virt-m33")
# Most bytes of arena: what a planner that knows lifetimes needs.
ARENA_LIMITS = {
    "kws": 16_000,
    "vww": 55_296,
    "ic": 49_152,
    "ad": 768,
}
# Instructions of TensorFlow Lite Micro's reference kernels on a Cortex-M4.
REFERENCE_INSTRUCTIONS = {
    "kws": 43_040_117,
    "vww": 100_249_505,
    "ic": 107_401_504,
    "ad": 1_952_482,
}
KWS_CODE_LIMIT = 20_000


@needs_shared
@pytest.mark.parametrize("model", CHECK_VALUES)
@pytest.mark.parametrize(
    "board", [*QUICK, *(pytest.param(b, marks=pytest.mark.slow) for b in OTHERS)]
)
def test_a_board_computes_the_known_bytes(board: str, model: str) -> None:
    result = api.bench(shared_model(model), board=board, runs=1, layers=False)
    assert result.output.crc32 == CHECK_VALUES[model]
    assert result.output.bit_exact is True
    assert result.memory.arena_bytes <= ARENA_LIMITS[model]
    if board == "virt-m4":
        assert result.latency.instructions is not None
        assert result.latency.instructions <= REFERENCE_INSTRUCTIONS[model]
        assert model != "kws" or result.memory.code_bytes <= KWS_CODE_LIMIT
