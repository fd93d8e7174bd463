"""The table of passes, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from edgeq.compile.passes.activation_fusion import fuse_activations
from edgeq.compile.passes.common_subexpressions import share_common
from edgeq.compile.passes.constant_folding import fold_constants
from edgeq.compile.passes.dead_channels import remove_dead_channels
from edgeq.compile.passes.no_ops import remove_no_ops
from edgeq.compile.passes.ordering import order_operators
from edgeq.compile.passes.pad_folding import fold_pads
from edgeq.compile.passes.rewriting import Rewrite
from edgeq.compile.passes.single_channels import widen_single_channels
from edgeq.compile.passes.table_joining import join_tables
from edgeq.compile.passes.table_merging import (
    merge_elementwise,
    merge_requantizations,
    tabulate_pairs,
)
from edgeq.compile.passes.transposed_convolutions import expand_transposed, turn_transposed
from edgeq.compile.passes.transposes import eliminate_transposes
from edgeq.compile.target import NATIVE, Target
from edgeq.core.errors import UsageError, did_you_mean
from edgeq.core.records import PassRecord
from edgeq.graph.ir import Graph
from edgeq.graph.oracle import resolved


@dataclass(frozen=True, slots=True)
class Pass:
    """A rewriting that keeps every output byte for every input.

    `about` says what it does, `proof` why no byte changes; docs/passes.md is made of them. It runs
    for targets that it `serves`.
    """

    name: str
    run: Callable[[Graph], Rewrite]
    about: str
    proof: str
    serves: Callable[[Target], bool] = lambda target: True


PASSES: tuple[Pass, ...] = (
    Pass(
        "constant-folding",
        fold_constants,
        "Operators whose inputs are all constant, and those that read shapes, are computed once.",
        "The oracle computes them, with the bytes that the operators would give.",
    ),
    Pass(
        "no-op-removal",
        remove_no_ops,
        "Operators that leave every byte as it is go, or become reshapes, which take no time.",
        "What an operator moves is seen on numbered elements; what it makes of bytes is compared "
        "for every byte that interval analysis lets through.",
    ),
    Pass(
        "common-subexpressions",
        share_common,
        "What two operators compute alike, from inputs of the same bytes, is computed once.",
        "Operator, options, inputs, and shape and quantisation of the outputs are equal.",
    ),
    Pass(
        "transpose-elimination",
        eliminate_transposes,
        "Pairs of transpositions become one or none; those of dimensions of 1 become reshapes.",
        "Permutations compose, and element-wise operators commute with them.",
    ),
    Pass(
        "activation-fusion",
        fuse_activations,
        "A clamp behind a layer that clamps its output anyway becomes that layer's own.",
        "The clamp's table is a clamp for every byte that can come; a clamp of a clamp is one.",
    ),
    Pass(
        "pad-folding",
        fold_pads,
        "PAD becomes the padding of the convolution or maximum pool that reads it.",
        "Taps outside the input count as the zero point, which is what PAD writes; a maximum "
        "leaves out padding that is below everything inside. An average would count it: it stays.",
    ),
    Pass(
        "single-channels",
        widen_single_channels,
        "A depthwise convolution of one channel becomes a convolution, whose kernels are faster.",
        "Both compute the same sums of the same products, and requantise them alike.",
    ),
    Pass(
        "turned-convolutions",
        turn_transposed,
        "A transposed convolution of stride 1 becomes a convolution with its filter turned round.",
        "Every output is the sum of the same products.",
    ),
    Pass(
        "transposed-convolutions",
        expand_transposed,
        "A transposed convolution of a larger stride becomes a convolution with a channel for "
        "every place between two inputs, whose kernels are faster; a copy lays the places side by "
        "side. Cores with the DSP extension alone have kernels that do without.",
        "Every output is the sum of the same products, and of noughts.",
        lambda target: target.mve or not target.dsp,
    ),
    Pass(
        "requantise-merging",
        merge_requantizations,
        "QUANTIZE and a function of one byte beside it become one table of 256 bytes, and so does "
        "a round trip through float32.",
        "The oracle fills the table for every byte.",
    ),
    Pass(
        "elementwise-chains",
        merge_elementwise,
        "Functions of one byte that follow each other become one table of 256 bytes.",
        "The oracle fills the table for every byte.",
    ),
    Pass(
        "elementwise-tables",
        tabulate_pairs,
        "An operator of two tensors becomes a table where both are the same tensor or functions "
        "of its bytes, as in x * logistic(x), or where one is a constant scalar.",
        "The oracle fills the table for every byte.",
    ),
    Pass(
        "dead-channels",
        remove_dead_channels,
        "Channels that are constant whatever the input, or that nobody reads, are not computed; "
        "the layers that read them have their constants in the bias.",
        "Interval analysis carries the bounds of every channel through the integer arithmetic: "
        "requantisation is monotone, so the bounds of an accumulator bound its output. Where "
        "windows are padded, only a constant equal to the zero point is the same to every window.",
    ),
    Pass(
        "joined-tables",
        join_tables,
        "A function of one byte behind a sum or a product that nobody else reads is computed in "
        "the same loop, by a table. Cores with the DSP extension alone have kernels for it.",
        "The oracle fills the table for every byte; the sum or product itself stays as it is.",
        lambda target: target.dsp and not target.mve,
    ),
    Pass(
        "operator-order",
        order_operators,
        "Operators of a graph with branches run in the order that keeps the fewest bytes alive.",
        "An operator still runs after all that it reads; graphs that keep state stay as they are.",
    ),
)


_ROUNDS = 8  # two are what real models take; a graph made to need more is still correct
# Beyond what any microcontroller holds: a graph made to take the analyses' time and memory.
_MOST_NODES = 4096
_MOST_ELEMENTS = 1 << 22


# Kernels that can be left out like passes: their lowerings look for their names.
OPTIONAL_KERNELS = ("codebooks", "winograd")


def run_passes(
    graph: Graph, omitted: Collection[str] = (), target: Target = NATIVE
) -> tuple[Graph, tuple[PassRecord, ...]]:
    """Return the graph after every pass for `target` but the `omitted`, and what each did.

    What one pass leaves may give another something to do: they run in rounds until none has any.

    Raises:
        UsageError: there is no pass of an omitted name.
    """
    names = [*(p.name for p in PASSES), *OPTIONAL_KERNELS]
    for name in omitted:
        if name not in names:
            raise UsageError(
                f"there is no pass {name!r}",
                hint=f"passes: {', '.join(names)}.{did_you_mean(name, names)}",
            )
    chosen = [p for p in PASSES if p.name not in omitted and p.serves(target)]
    return _run(graph, chosen)


def repeat_passes(graph: Graph, records: Sequence[PassRecord]) -> Graph:
    """Return the graph after the passes of which there are records."""
    names = {record.name for record in records}
    return _run(graph, [p for p in PASSES if p.name in names])[0]


def _run(graph: Graph, chosen: Sequence[Pass]) -> tuple[Graph, tuple[PassRecord, ...]]:
    graph = resolved(graph)
    if _is_vast(graph):
        note = "left out: the graph is too large to be analysed"
        return graph, tuple(PassRecord(name=p.name, changes=0, note=note) for p in chosen)
    made: dict[str, list[Rewrite]] = {p.name: [] for p in chosen}
    for _ in range(_ROUNDS):
        before = graph
        for step in chosen:
            rewrite = step.run(graph)
            if rewrite.changes:
                graph = rewrite.graph
                made[step.name].append(rewrite)
        if graph is before:
            break
    return graph, tuple(_record(name, rewrites) for name, rewrites in made.items())


def _is_vast(graph: Graph) -> bool:
    elements = max((t.elements for t in graph.tensors if not t.is_constant), default=0)
    return len(graph.nodes) > _MOST_NODES or elements > _MOST_ELEMENTS


def _record(name: str, rewrites: Sequence[Rewrite]) -> PassRecord:
    note = "; ".join(r.note for r in rewrites)
    return PassRecord(name=name, changes=sum(r.changes for r in rewrites), note=note)
