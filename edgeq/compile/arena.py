"""The tensor arena that TensorFlow Lite Micro needs for a model, before any firmware is built.

The interpreter divides one array: from its head it plans tensors and scratch buffers, greedily;
from its tail it allocates what lives for ever. This module takes the same steps with the same
sizes, so that its figure is what `MicroInterpreter::arena_used_bytes()` reports on the target.

Source: micro_allocator.cc, micro_allocation_info.cc, micro_interpreter.cc and
memory_planner/greedy_memory_planner.cc of tensorflow/tflite-micro at 90b983c.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from edgeq.boards.profile import CoreName
from edgeq.compile.micro import structs
from edgeq.compile.micro.cmsis_nn import SIMD, Simd, simd_of
from edgeq.compile.micro.kernels import Request, Site, init_bytes, kernel_requests, name_of
from edgeq.core.errors import InputError, UsageError
from edgeq.core.records import Kind, Record
from edgeq.graph.ir import Graph, Tensor

Kernels = Literal["reference", "cmsis-nn"]
KERNELS: tuple[Kernels, ...] = ("reference", "cmsis-nn")

SOURCE = "TensorFlow Lite Micro 90b983c and CMSIS-NN 4ab83cc, step by step"
NEVER = -1
MAX_BUFFERS = 8192  # the planner's time grows with the square; no model for a microcontroller


class ArenaPart(Record, frozen=True, kw_only=True):
    """Bytes of the arena, padding included. The head holds what is planned, the tail the rest."""

    region: Literal["head", "tail"]
    name: str
    bytes: int


class ScratchBuffer(Record, frozen=True, kw_only=True):
    """A buffer that a kernel needs while it runs; it lies among the tensors in the head."""

    node: int
    op: str
    bytes: int
    what: str


class ArenaEstimate(Record, frozen=True, kw_only=True):
    """An arena for one set of kernels on one core.

    `bytes` is the array to declare, aligned to 16 bytes: `used_bytes`, or what AllocateTensors
    needs for a moment (`planning_bytes`) where that is more. `used_bytes`, the sum of the parts,
    is what `arena_used_bytes()` returns. `unknown` names operators whose allocations cannot be
    told: where there are any, the figure is a lower bound.
    """

    kind: Kind = "estimated"
    kernels: Kernels
    core: CoreName
    bytes: int
    used_bytes: int
    planning_bytes: int
    parts: tuple[ArenaPart, ...]
    scratch: tuple[ScratchBuffer, ...]
    unknown: tuple[str, ...] = ()
    source: str = SOURCE


def estimate_arena(
    graph: Graph,
    *,
    kernels: Kernels,
    core: CoreName,
    offline: Mapping[int, int] | None = None,
) -> ArenaEstimate:
    """Return the arena that `graph` needs with a set of kernels.

    Args:
        core: a Cortex-M core; it decides CMSIS-NN's scratch buffers.
        offline: offsets in bytes of tensors that the file itself places (the metadata
            OfflineMemoryAllocation), by tensor index.

    Raises:
        UsageError: the core is no Cortex-M.
        InputError: an operator's tensors do not fit together, or there are too many.
    """
    simd = _simd(kernels, core)
    sites = [Site(graph, node, simd) for node in graph.nodes]
    memory = _Memory()
    _begin(memory, graph, sites)
    scratch = _prepare(memory, sites)
    head = _plan(memory, graph, scratch, offline or {})
    _finish(memory, graph)
    used = head + memory.tail
    return ArenaEstimate(
        kernels=kernels,
        core=core,
        bytes=_up(max(used, memory.peak), structs.ARENA_ALIGNMENT),
        used_bytes=used,
        planning_bytes=memory.peak,
        parts=(
            ArenaPart(region="head", name="tensors and scratch buffers, planned", bytes=head),
            *(ArenaPart(region="tail", name=n, bytes=b) for n, b in memory.parts.items() if b),
        ),
        scratch=scratch,
        unknown=tuple(sorted({name_of(s.node) for s in sites if kernel_requests(s) is None})),
    )


def _simd(kernels: Kernels, core: CoreName) -> Simd | None:
    if core not in SIMD:
        raise UsageError(
            f"the arena for {core} is not known",
            hint=f"structures are known for 32-bit Arm: {', '.join(SIMD)}",
        )
    return simd_of(core) if kernels == "cmsis-nn" else None


@dataclass(slots=True)
class _Memory:
    """The tail as it grows, what it grew for, and the most that was needed at one moment."""

    tail: int = 0
    peak: int = 0
    parts: dict[str, int] = field(default_factory=dict)

    def take(self, what: str, size: int, align: int = 4) -> None:
        """Allocate `size` bytes from the tail; padding counts for `what`."""
        grown = _up(self.tail + size, align)
        self.parts[what] = self.parts.get(what, 0) + grown - self.tail
        self.tail = grown

    def hold(self, head: int) -> None:
        """Note that the head needs `head` bytes at this moment."""
        self.peak = max(self.peak, head + self.tail)


def _begin(memory: _Memory, graph: Graph, sites: Sequence[Site]) -> None:
    """MicroAllocator::Create, StartModelAllocation, and the options out of the flatbuffer."""
    for size in (
        structs.SINGLE_ARENA_BUFFER_ALLOCATOR,
        structs.GREEDY_MEMORY_PLANNER,
        structs.MICRO_ALLOCATOR,
        structs.BUILTIN_DATA_ALLOCATOR,
        structs.SUBGRAPH_ALLOCATIONS,
    ):
        memory.take("interpreter and allocators", size)
    memory.take("tensor structures", structs.EVAL_TENSOR * len(graph.tensors))
    memory.take("nodes and registrations", structs.NODE_AND_REGISTRATION * len(graph.nodes))
    for site in sites:
        size, align = structs.PARAMS.get(site.node.op, (0, 1))
        memory.take("options of operators", size, align)
    for site in sites:
        if size := init_bytes(site):
            memory.take("OpData of kernels", size, structs.ARENA_ALIGNMENT)


def _prepare(memory: _Memory, sites: Sequence[Site]) -> tuple[ScratchBuffer, ...]:
    """PrepareSubgraphs: one operator after the other."""
    scratch: list[ScratchBuffer] = []
    for site in sites:
        for request in _requests(site):
            if request.pool == "persistent":
                memory.take(f"kernels: {request.what}", request.bytes, structs.ARENA_ALIGNMENT)
            else:
                scratch.append(
                    ScratchBuffer(
                        node=site.node.index,
                        op=name_of(site.node),
                        bytes=request.bytes,
                        what=request.what,
                    )
                )
        memory.hold(_requested(len(scratch)) + _temporaries(site))
    memory.take("handles of scratch buffers", structs.SCRATCH_HANDLE * len(scratch))
    return tuple(scratch)


def _requests(site: Site) -> tuple[Request, ...]:
    try:
        return tuple(kernel_requests(site) or ())
    except (IndexError, ValueError) as error:
        raise InputError(
            f"{site.graph.name}: operators[{site.node.index}] ({name_of(site.node)}): "
            f"its tensors do not fit together: {error}",
            hint="the file is damaged or hostile: export or convert the model again",
        ) from error


def _requested(count: int) -> int:
    return structs.SCRATCH_REQUEST * (count + structs.SCRATCH_REQUESTS_SPARE)


def _temporaries(site: Site) -> int:
    """Return the bytes of the TfLiteTensors that Prepare looks at, all at once."""
    indices = [i for i in (*site.node.inputs, *site.node.outputs) if i >= 0]
    return sum(structs.TENSOR + _quantization(site.graph.tensor(i)) for i in indices)


def _quantization(tensor: Tensor) -> int:
    if tensor.quantization is None:
        return 0
    return structs.AFFINE_QUANTIZATION + structs.int_array(len(tensor.quantization.scales))


def _finish(memory: _Memory, graph: Graph) -> None:
    """The rest of AllocateTensors: the tensors that the application sees."""
    for ports in (graph.inputs, graph.outputs):
        what = "inputs and outputs"
        memory.take(what, structs.POINTER * len(ports), structs.ARENA_ALIGNMENT)
        for index in ports:
            memory.take(what, structs.TENSOR)
            if graph.tensor(index).quantization is not None:
                memory.take(what, structs.AFFINE_QUANTIZATION)
                memory.take(what, _quantization(graph.tensor(index)) - structs.AFFINE_QUANTIZATION)


# --- the plan of the head ------------------------------------------------------------------------


@dataclass(slots=True)
class Planned:
    """A buffer of the head: its bytes, its life in operators, both ends included, its offset."""

    size: int
    first: int = NEVER
    last: int = NEVER
    offset: int | None = None

    def live(self, scope: int) -> None:
        self.first = scope if self.first == NEVER else self.first
        self.last = scope

    def meets(self, other: Planned) -> bool:
        return self.first <= other.last and other.first <= self.last


def _plan(
    memory: _Memory,
    graph: Graph,
    scratch: Sequence[ScratchBuffer],
    offline: Mapping[int, int],
) -> int:
    """CommitStaticMemoryPlan: return the bytes of the head."""
    for tensor in graph.tensors:
        if tensor.is_variable and tensor.index not in offline:
            memory.take("variables", tensor.bytes, structs.ARENA_ALIGNMENT)
    if len(graph.tensors) + len(scratch) > MAX_BUFFERS:
        raise InputError(
            f"{graph.name}: more than {MAX_BUFFERS:,} tensors and scratch buffers",
            hint="no arena holds such a model: use a smaller one",
        )
    buffers = _lives(graph, scratch, offline)
    information = structs.ALLOCATION_INFO * (len(graph.tensors) + len(scratch))
    working = _requested(len(scratch)) + structs.POINTER + information
    planner = structs.PLANNER_PER_BUFFER * len(buffers)
    lost = _up(memory.tail, structs.ARENA_ALIGNMENT) - memory.tail
    memory.hold(_up(working, structs.ARENA_ALIGNMENT) + planner + lost)
    return pack_greedily(buffers)


def _lives(
    graph: Graph, scratch: Sequence[ScratchBuffer], offline: Mapping[int, int]
) -> list[Planned]:
    """Return the buffers in the planner's order: tensors by index, then scratch buffers."""
    tensors = {
        t.index: Planned(_up(t.bytes, structs.ARENA_ALIGNMENT), offset=offline.get(t.index))
        for t in graph.tensors
        if t.bytes and not t.is_constant and (not t.is_variable or t.index in offline)
    }
    work = [Planned(_up(s.bytes, structs.ARENA_ALIGNMENT)) for s in scratch]
    users = [(s.node, w) for s, w in zip(scratch, work, strict=True)]
    lives = [(0, i) for i in graph.inputs]
    for scope, node in enumerate(graph.nodes, start=1):
        lives += [(scope, i) for i in (*node.inputs, *node.outputs)]
        for _, buffer in (user for user in users if user[0] == node.index):
            buffer.live(scope)
    lives += [(len(graph.nodes), i) for i in graph.outputs]
    for scope, index in lives:
        if index in tensors:
            tensors[index].live(scope)
    return [*tensors.values(), *work]


def pack_greedily(buffers: Sequence[Planned]) -> int:
    """Place `buffers` as GreedyMemoryPlanner does; return the bytes up to the highest end.

    Buffers with an offset keep it. The others follow, the largest first and of equal ones the
    last; each goes into the first gap between its contemporaries, by offset, that holds it.
    """
    fixed = [b for b in buffers if b.offset is not None]
    free = [b for b in reversed(buffers) if b.offset is None]
    placed: list[tuple[int, Planned]] = []
    for buffer in (*fixed, *sorted(free, key=lambda b: -b.size)):
        at = buffer.offset
        if at is None:
            at = 0
            for start, other in placed:
                if not other.meets(buffer):
                    continue
                if start - at >= buffer.size:
                    break
                at = max(at, start + other.size)
        position = next((i for i, (start, _) in enumerate(placed) if start > at), len(placed))
        placed.insert(position, (at, buffer))
    return max((start + b.size for start, b in placed), default=0)


def _up(value: int, step: int) -> int:
    return -(-value // step) * step
