"""The benchmark's own networks: the same bytes each time, and every layer has something to do."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pytest

from edgeq.compile.support import unsupported_nodes
from edgeq.core.files import sha256_hex
from edgeq.graph.oracle import Oracle
from edgeq.graph.writer import write_graph
from tests.support.benchmarks import benchmark

NAMES = (
    "mobilenet_v2", "cnn_1d", "autoencoder", "ds_cnn_20", "ds_cnn_172", "ds_cnn_5x5",
    "attention", "decoder", "lstm", "gru",
)  # fmt: skip

networks = benchmark("networks")


def test_these_are_all(networks: ModuleType) -> None:
    assert tuple(networks.NETWORKS) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_network_is_the_same_each_time(networks: ModuleType, name: str) -> None:
    one, two = (sha256_hex(write_graph(networks.build_network(name))) for _ in range(2))
    assert one == two


@pytest.mark.parametrize("name", NAMES)
def test_no_layer_of_a_network_is_dead_or_saturated(networks: ModuleType, name: str) -> None:
    graph = networks.build_network(name)
    assert not unsupported_nodes(graph)
    shape = graph.tensor(graph.inputs[0]).shape
    x = np.random.default_rng(0).integers(-128, 128, shape).astype(np.int8)
    values = Oracle(graph).run([x], keep=True).tensors
    for node in graph.nodes[:-1]:
        out = values[node.outputs[0]].astype(int)
        assert out.std() > 4, node
        assert (out == 127).mean() < 0.25, node
