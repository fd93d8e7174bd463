"""The table of passes, in the order in which they run."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from edgeq.compile.passes.dead_channels import remove_dead_channels
from edgeq.compile.passes.rewriting import Rewrite
from edgeq.core.errors import UsageError, did_you_mean
from edgeq.core.records import PassRecord
from edgeq.graph.ir import Graph


@dataclass(frozen=True, slots=True)
class Pass:
    """A rewriting that keeps every output byte for every input."""

    name: str
    run: Callable[[Graph], Rewrite]
    about: str


PASSES: tuple[Pass, ...] = (
    Pass(
        "dead-channels",
        remove_dead_channels,
        "Channels whose interval is a single value, or that nobody reads, are not computed; their "
        "constants go into the biases of the layers that read them.",
    ),
)


def run_passes(graph: Graph, omitted: Collection[str] = ()) -> tuple[Graph, tuple[PassRecord, ...]]:
    """Return the graph after every pass but the `omitted`, and what each did.

    Raises:
        UsageError: there is no pass of an omitted name.
    """
    names = [p.name for p in PASSES]
    for name in omitted:
        if name not in names:
            raise UsageError(
                f"there is no pass {name!r}",
                hint=f"passes: {', '.join(names)}.{did_you_mean(name, names)}",
            )
    records = []
    for step in PASSES:
        if step.name not in omitted:
            made = step.run(graph)
            graph = made.graph
            records.append(PassRecord(name=step.name, changes=made.changes, note=made.note))
    return graph, tuple(records)
