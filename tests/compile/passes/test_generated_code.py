"""Every pass together with the kernels: the C of a rewritten graph gives the model's own bytes."""

from __future__ import annotations

from hypothesis import settings

from tests.support.generated import prove
from tests.support.properties import efforts
from tests.support.random_graphs import random_graphs

EFFORT = efforts(8, 300)


@EFFORT
def test_random_graphs(effort: settings) -> None:
    prove(random_graphs(), effort)


@EFFORT
def test_padded_windows(effort: settings) -> None:
    windows = ("pad", "convolution", "pad", "depthwise", "pad", "max_pool")
    prove(random_graphs(windows), effort)


@EFFORT
def test_layers_with_dead_channels(effort: settings) -> None:
    layers = ("convolution", "depthwise", "convolution", "dense", "add", "concatenation")
    prove(random_graphs(layers), effort)
