"""Whole models: the outputs' CRC-32 as TensorFlow Lite Micro computes it on its targets."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from edgeq.core.lcg import generate_bytes
from edgeq.graph.oracle import Oracle
from edgeq.graph.reader import read_model
from tests.support.shared import CHECK_VALUES, needs_shared, shared_model

# The CRC-32 chained over the outputs for the seeds 1 to 8.
_CHAINS = {"kws": "ac5255c3", "vww": "54f95bcc", "ic": "3e808907", "ad": "bf362904"}


@needs_shared
@pytest.mark.parametrize("name", CHECK_VALUES)
def test_mlperf_tiny_models_give_their_check_values(name: str) -> None:
    graph = read_model(shared_model(name))
    oracle, port = Oracle(graph), graph.tensor(graph.inputs[0])
    crc, first = 0, ""
    for seed in range(1, 9):
        x = np.frombuffer(generate_bytes(seed, port.bytes), np.int8).reshape(port.shape)
        (output,) = oracle.run([x]).outputs
        crc = zlib.crc32(output.tobytes(), crc)
        first = first or f"{crc:08x}"
    assert (first, f"{crc:08x}") == (CHECK_VALUES[name], _CHAINS[name])
