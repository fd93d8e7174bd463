"""Measure weights of few distinct values: flash, instructions and RAM against the int8 model.

    python benchmarks/packed.py MODEL.tflite [--board virt-m4 ...] [--goal balanced]

The int8 model's weights are snapped, tensor by tensor: to 16 values (Lloyd's algorithm in one
dimension), to three (Li, Zhang and Liu 2016, section 2: below 0.7 times the mean magnitude a weight
is nought, the others are one magnitude for each channel), to two (its sign). Every model is run
with its codes and, as `--no-pass codebooks` does, with a byte for each weight; both give the
oracle's bytes or the run fails.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgeq import api
from edgeq.core.records import CompileOptions, Result
from edgeq.graph.ir import Graph, Tensor
from edgeq.graph.reader import read_model
from edgeq.graph.writer import write_graph

WEIGHTED = {"CONV_2D": 0, "DEPTHWISE_CONV_2D": 3, "FULLY_CONNECTED": 0}
LARGEST = 127
_STEPS = 30  # of Lloyd's algorithm
Snapped = tuple[NDArray[np.int8], NDArray[np.float64]]  # weights, and factors of each scale


def cluster(values: NDArray[np.int64], axis: int) -> Snapped:
    """Return the weights as the nearest of 16 centres."""
    centres = np.quantile(values, (np.arange(16) + 0.5) / 16)
    for _ in range(_STEPS):
        nearest = np.abs(values[..., None] - centres).argmin(axis=-1)
        for i in range(16):
            if (nearest == i).any():
                centres[i] = values[nearest == i].mean()
    return np.round(centres[nearest]).astype(np.int8), np.ones(values.shape[axis])


def ternary(values: NDArray[np.int64], axis: int) -> Snapped:
    """Return the weights as -127, 0 and 127, with each channel's magnitude in its scale."""
    others = tuple(i for i in range(values.ndim) if i != axis)
    kept = np.abs(values) > 0.7 * np.abs(values).mean(axis=others, keepdims=True)
    magnitudes = (np.abs(values) * kept).sum(axis=others) / np.maximum(kept.sum(axis=others), 1)
    return (np.sign(values) * kept * LARGEST).astype(np.int8), np.maximum(magnitudes, 1) / LARGEST


def binary(values: NDArray[np.int64], axis: int) -> Snapped:
    """Return the weights as -127 and 127, with each channel's magnitude in its scale."""
    others = tuple(i for i in range(values.ndim) if i != axis)
    magnitudes = np.maximum(np.abs(values).mean(axis=others), 1)
    return np.where(values < 0, -LARGEST, LARGEST).astype(np.int8), magnitudes / LARGEST


KINDS: dict[str, Callable[[NDArray[np.int64], int], Snapped]] = {
    "clustered16": cluster,
    "ternary": ternary,
    "binary": binary,
}


def snap(graph: Graph, kind: str) -> Graph:
    """Return the graph with the weights of each layer snapped."""
    tensors = list(graph.tensors)
    for node in graph.nodes:
        if node.op not in WEIGHTED:
            continue
        weights = graph.tensor(node.inputs[1])
        assert weights.data is not None
        snapped, factors = KINDS[kind](weights.data.astype(np.int64), WEIGHTED[node.op])
        tensors[weights.index] = _rescaled(weights, snapped, factors)
        if len(node.inputs) > 2 and node.inputs[2] >= 0:
            bias = graph.tensor(node.inputs[2])
            assert bias.data is not None
            used = _used(bias, factors)
            tensors[bias.index] = _rescaled(bias, np.round(bias.data / used), used)
    return replace(graph, tensors=tuple(tensors))


def _used(tensor: Tensor, factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a factor for each scale: a single one is the mean."""
    q = tensor.quantization
    assert q is not None
    return factors if q.per_channel else factors.mean(keepdims=True)


def _rescaled(tensor: Tensor, data: NDArray[np.generic], factors: NDArray[np.float64]) -> Tensor:
    q, used = tensor.quantization, _used(tensor, factors)
    assert q is not None
    assert tensor.data is not None
    scales = tuple(float(np.float32(s * f)) for s, f in zip(q.scales, used, strict=True))
    kept = data.astype(tensor.data.dtype)
    return replace(tensor, data=kept, quantization=replace(q, scales=scales))


def measure(model: Path, board: str, options: CompileOptions) -> Result:
    """Return a run of one inference, whose output is the oracle's."""
    result = api.bench(model, board=board, runs=1, input_spec="lcg:1", options=options)
    if not result.output.bit_exact:
        raise SystemExit(f"{model.name} on {board}: the output is not the oracle's")
    return result


def row(what: str, wide: Result, narrow: Result) -> str:
    """Return a line: with a byte for each weight, with codes, and their ratio."""
    pairs = (
        (wide.memory.flash_bytes, narrow.memory.flash_bytes),
        (wide.memory.constant_bytes, narrow.memory.constant_bytes),
        (wide.memory.ram_bytes, narrow.memory.ram_bytes),
        (wide.latency.instructions, narrow.latency.instructions),
    )
    cells = (f"{a:,} -> {b:,} ({b / a:.2f}x)" for a, b in pairs if a and b)
    return f"| {what} | {' | '.join(cells)} |"


def main() -> int:
    """Print a table: each kind of weights on each board."""
    parser = argparse.ArgumentParser(description="Measure weights of few distinct values.")
    parser.add_argument("model", type=Path)
    parser.add_argument("--board", action="append")
    parser.add_argument("--goal", default="balanced", choices=("balanced", "flash", "speed", "ram"))
    chosen = parser.parse_args()
    boards = chosen.board or ["virt-m4", "virt-m0plus", "qemu-an547"]
    graph = read_model(chosen.model)
    print("| weights | flash | constants | RAM | instructions |\n| --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            model = Path(folder) / f"{kind}.tflite"
            model.write_bytes(write_graph(snap(graph, kind)))
            for board in boards:
                plain, coded = (
                    measure(model, board, CompileOptions(goal=chosen.goal, omitted_passes=omitted))
                    for omitted in (("codebooks",), ())
                )
                print(row(f"{kind}, {board}", plain, coded), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
