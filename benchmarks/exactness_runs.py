"""Run random cases on a board and count the differences from the oracle."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from exactness_bundle import Filling, Member, bundle, digest_of, given, split
from exactness_cases import CASES, as_inputs, draw_filling, draw_graphs

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
RUN_S = 3600.0
# How many failures of a firmware are run again to see what is wrong with them.
EXPLAINED = 5
# Where data and weights are, of the operators that kernels are chosen for by the weights' dtype.
WEIGHTED = {
    "CONV_2D": (0, 1),
    "DEPTHWISE_CONV_2D": (0, 1),
    "FULLY_CONNECTED": (0, 1),
    "TRANSPOSE_CONV": (2, 1),
}


@dataclass(frozen=True, slots=True)
class Case:
    """A graph, compiled, with its inputs and what the oracle says that they give."""

    number: int
    graph: Graph
    member: Member
    inputs: bytes
    outputs: bytes


@dataclass(frozen=True, slots=True)
class Failure:
    """A case that went wrong, and how; one that was not compiled has only its graph."""

    number: int
    graph: Graph
    why: str
    case: Case | None = None


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
            tally.failures.append(Failure(number, graph, f"not compiled: {error.cause}"))
    for case in ready:
        tally.kernels.update(layer.kernel for layer in case.member.compiled.plan.layers)
    for part in fill_firmwares(ready, board):
        tally.failures += run_cases(part, board)
    return tally


def describe_kind(graph: Graph) -> str:
    """Return e.g. 'CONV_2D int8 x int4': the operator and the dtypes it is an own row for."""
    node = graph.nodes[0]
    first, weights = WEIGHTED.get(node.op, (0, None))
    data = graph.tensor(node.inputs[first]).dtype
    output = graph.tensor(node.outputs[0]).dtype
    if weights is not None:
        return f"{node.op} {data} x {graph.tensor(node.inputs[weights]).dtype}"
    return f"{node.op} {data}" if data == output else f"{node.op} {data} to {output}"


def prepare_cases(number: int, graph: Graph, board: Board, shard: Shard) -> list[Case]:
    """Compile a graph for the board's core and give it its inputs.

    Raises:
        EdgeqError: the compiler or the oracle refuses it.
    """
    first = number * shard.inputs
    fillings = [draw_filling(graph, first + step) for step in range(shard.inputs)]
    return make_cases(number, graph, board, shard.options, fillings)


def make_cases(
    number: int, graph: Graph, board: Board, options: CompileOptions, fillings: Sequence[Filling]
) -> list[Case]:
    """Compile a graph for the board's core and compute what each filling of its inputs gives.

    Raises:
        EdgeqError: the compiler or the oracle refuses it.
    """
    compiled = compile_graph(graph, name=f"c{number}", target=Target.on(board, options))
    size = sum(port.bytes for port in compiled.plan.inputs)
    state = any(t.is_variable for t in graph.tensors)
    oracle, cases = Oracle(graph), []
    for filling in fillings:
        inputs = filling.make(size)
        oracle.reset()  # as the board does before each case
        arrays = oracle.run(as_inputs(graph, inputs)).outputs
        outputs = b"".join(np.ascontiguousarray(a).tobytes() for a in arrays)
        cases.append(Case(number, graph, Member(compiled, filling, state), inputs, outputs))
    return cases


def fill_firmwares(cases: Sequence[Case], board: Board) -> Iterator[list[Case]]:
    """Yield the cases in parts, each small enough for the board's flash."""
    flash = SHARE * (board.memory[0].size if board.memory else 1 << 24)
    part: list[Case] = []
    code = 0
    for case in cases:
        plan = case.member.compiled.plan
        again = bool(part) and part[-1].member.compiled is case.member.compiled
        more = 0 if again else plan.constant_bytes + CODE_BYTES
        if part and code + more > flash:
            yield part
            part, code = [], 0
        part.append(case)
        code += more
    if part:
        yield part


def run_cases(cases: Sequence[Case], board: Board) -> list[Failure]:
    """Run cases in one firmware; where it does not come back, each half, to find the culprit."""
    try:
        answers = run_firmware(cases, board, digest=True)
    except EdgeqError as error:
        if len(cases) == 1:
            return [Failure(cases[0].number, cases[0].graph, error.cause, cases[0])]
        half = len(cases) // 2
        return [*run_cases(cases[:half], board), *run_cases(cases[half:], board)]
    wrong = [
        case
        for case, (status, crc) in zip(cases, answers, strict=True)
        if status or crc != digest_of(case.outputs)
    ]
    told = [explain(case, board) for case in wrong[:EXPLAINED]]
    told += ["differs too"] * (len(wrong) - len(told))
    return [Failure(c.number, c.graph, why, c) for c, why in zip(wrong, told, strict=True)]


def run_firmware(cases: Sequence[Case], board: Board, *, digest: bool) -> list[tuple[int, bytes]]:
    """Build the cases into one firmware, run it, and return each one's status and outputs."""
    members = [case.member for case in cases]
    with tempfile.TemporaryDirectory(prefix="edgeq-") as folder:
        image = build_firmware(bundle(members, digest=digest), board, Path(folder))
        with open_board(board, image) as session:
            session.write_input(0, given(members))
            session.invoke_quietly(1, timeout_s=RUN_S)
            return split(members, session.read_output(0), digest=digest)


def explain(case: Case, board: Board) -> str:
    """Run a failed case alone, and say what is wrong with it."""
    ((status, outputs),) = run_firmware([case], board, digest=False)
    pairs = list(zip(outputs, case.outputs, strict=True))
    wrong = [i for i, (ours, theirs) in enumerate(pairs) if ours != theirs]
    if wrong:
        ours, theirs = pairs[wrong[0]]
        return (
            f"{len(wrong)} of {len(pairs)} bytes differ, first byte {wrong[0]}: "
            f"{ours:#04x}, not {theirs:#04x}"
        )
    return "memory around the arena was written to" if status else "right alone, wrong in company"


def keep_failure(failure: Failure, folder: Path, name: str) -> Path:
    """Write a failed case: the model, its inputs, and what the oracle gives."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{name}_{failure.number}"
    path = folder / f"{stem}.tflite"
    path.write_bytes(write_graph(failure.graph))
    if failure.case is not None:
        (folder / f"{stem}.input").write_bytes(failure.case.inputs)
        (folder / f"{stem}.expected").write_bytes(failure.case.outputs)
    return path
