"""Run random cases on a board and count the differences from the oracle."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from exactness_bundle import Member, bundle
from exactness_cases import CASES, draw_graphs, draw_inputs

from edgeq.boards.profile import Board
from edgeq.boards.registry import find_board
from edgeq.compile import compile_graph
from edgeq.compile.support import unsupported_nodes
from edgeq.compile.target import Target
from edgeq.core.errors import EdgeqError
from edgeq.core.records import CompileOptions
from edgeq.device.connection import open_board
from edgeq.firmware.build import build_firmware
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import Oracle
from edgeq.graph.writer import write_graph

SHARD = 500
# What a firmware of many models may take of the board: the rest is for its own code.
CODE_BYTES = 900
SHARE = 0.7
RUN_S = 600.0
WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "TRANSPOSE_CONV")


@dataclass(frozen=True, slots=True)
class Case:
    """A graph with its inputs, and what the oracle says of them."""

    number: int
    graph: Graph
    inputs: tuple[np.ndarray, ...]
    outputs: tuple[np.ndarray, ...]
    member: Member

    @property
    def given(self) -> bytes:
        """The inputs, end to end."""
        return b"".join(np.ascontiguousarray(a).tobytes() for a in self.inputs)

    @property
    def expected(self) -> bytes:
        """The outputs, end to end."""
        return b"".join(np.ascontiguousarray(a).tobytes() for a in self.outputs)


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that went wrong, and how."""

    case: Case | None
    graph: Graph
    number: int
    why: str


@dataclass(slots=True)
class Tally:
    """What came of random cases. `kinds` counts operators with their dtypes, `kernels` calls."""

    cases: int = 0
    refused: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    kernels: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        self.cases += other.cases
        self.refused += other.refused
        self.kinds += other.kinds
        self.kernels += other.kernels
        self.failures += other.failures


@dataclass(frozen=True, slots=True)
class Shard:
    """Some of a strategy's models on a board, each with several inputs.

    They are always the same ones for a seed and a number.
    """

    name: str
    board: str
    options: CompileOptions
    seed: int
    number: int
    models: int
    inputs: int


def make_shards(shard: Shard) -> list[Shard]:
    """Divide a shard into some that a computer has memory for."""
    sizes = [min(SHARD, shard.models - at) for at in range(0, shard.models, SHARD)]
    return [replace(shard, number=i, models=size) for i, size in enumerate(sizes)]


def run_shard(shard: Shard) -> Tally:
    """Draw a shard's cases, run them on its board and say what came of them."""
    tally, ready, board = Tally(), [], find_board(shard.board)
    graphs = draw_graphs(CASES[shard.name], shard.models, shard.seed * 100_003 + shard.number)
    for number, graph in enumerate(graphs[: shard.models], start=shard.number * SHARD):
        if unsupported_nodes(graph):
            tally.refused += shard.inputs
            continue
        tally.cases += shard.inputs
        tally.kinds[describe_kind(graph)] += shard.inputs
        try:
            ready += prepare_cases(number, graph, board, shard)
        except EdgeqError as error:
            tally.failures.append(Failure(None, graph, number, f"not compiled: {error.cause}"))
    for case in ready:
        tally.kernels.update(layer.kernel for layer in case.member.compiled.plan.layers)
    for part in fill_firmwares(ready, board):
        tally.failures += run_cases(part, board)
    return tally


def describe_kind(graph: Graph) -> str:
    """Return e.g. 'CONV_2D int8 x int4': the operator and the dtypes it is an own row for."""
    node = graph.nodes[0]
    tensors = [graph.tensor(i) for i in node.inputs if i >= 0]
    data, output = tensors[0].dtype, graph.tensor(node.outputs[0]).dtype
    if node.op in WEIGHTED:
        return f"{node.op} {data} x {tensors[1].dtype}"
    return f"{node.op} {data}" if data == output else f"{node.op} {data} to {output}"


def prepare_cases(number: int, graph: Graph, board: Board, shard: Shard) -> list[Case]:
    """Compile a graph for the board's core, draw its inputs and compute what they must give.

    Raises:
        EdgeqError: the compiler or the oracle refuses it.
    """
    target = Target.of(board.core, shard.options)
    state = any(t.is_variable for t in graph.tensors)
    member = Member(compile_graph(graph, name=f"c{number}", target=target), state)
    oracle, cases = Oracle(graph), []
    for step in range(shard.inputs):
        inputs = tuple(draw_inputs(graph, number * shard.inputs + step))
        cases.append(Case(number, graph, inputs, oracle.run(inputs).outputs, member))
    return cases


def fill_firmwares(cases: Sequence[Case], board: Board) -> Iterator[list[Case]]:
    """Yield the cases in parts, each small enough for the board's memory."""
    sizes = [region.size for region in board.memory] or [1 << 24]
    flash, ram = SHARE * sizes[0], SHARE * sizes[-1]
    part: list[Case] = []
    code = data = 0
    for case in cases:
        plan = case.member.compiled.plan
        again = part and part[-1].member is case.member
        more_code = 0 if again else plan.constant_bytes + CODE_BYTES
        more_data = case.member.input_bytes + case.member.output_bytes + 1
        if part and (code + more_code > flash or data + more_data + plan.arena_bytes > ram):
            yield part
            part, code, data = [], 0, 0
        part.append(case)
        code, data = code + more_code, data + more_data
    if part:
        yield part


def run_cases(cases: Sequence[Case], board: Board) -> list[Failure]:
    """Run cases in one firmware; where it does not come back, each half, to find the culprit."""
    try:
        answer = _run_firmware(cases, board)
    except EdgeqError as error:
        if len(cases) == 1:
            (case,) = cases
            return [Failure(case, case.graph, case.number, f"{error.cause}")]
        half = len(cases) // 2
        return [*run_cases(cases[:half], board), *run_cases(cases[half:], board)]
    return [f for case, part in _split(cases, answer) if (f := _judge(case, part))]


def _run_firmware(cases: Sequence[Case], board: Board) -> bytes:
    together = bundle([case.member for case in cases])
    given = b"".join(case.given for case in cases)
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        image = build_firmware(together, board, Path(folder))
        with open_board(board, image) as session:
            session.write_input(0, given or b"\0")
            session.invoke_quietly(1, timeout_s=RUN_S)
            return session.read_output(0)


def _split(cases: Sequence[Case], answer: bytes) -> Iterator[tuple[Case, bytes]]:
    """Yield each case with its status byte and its outputs."""
    at = 0
    for case in cases:
        size = 1 + case.member.output_bytes
        yield case, answer[at : at + size]
        at += size


def _judge(case: Case, answer: bytes) -> Failure | None:
    status, got = answer[0], answer[1:]
    if got != case.expected:
        wrong = sum(a != b for a, b in zip(got, case.expected, strict=True))
        why = f"{wrong} of {len(got)} bytes differ"
    elif status:
        why = "memory around the arena was written to"
    else:
        return None
    return Failure(case, case.graph, case.number, why)


def keep_failure(failure: Failure, folder: Path, name: str) -> Path:
    """Write a failed case: the model, its inputs, and what the oracle gives."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{name}_{failure.number}"
    path = folder / f"{stem}.tflite"
    path.write_bytes(write_graph(failure.graph))
    if failure.case is not None:
        (folder / f"{stem}.input").write_bytes(failure.case.given)
        (folder / f"{stem}.expected").write_bytes(failure.case.expected)
    return path
