"""Which activations share a scale and a zero point, and which parameters each gets.

A slot is a tensor in a dtype: a tensor that layers of int8 and of int16 read has a slot in each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from edgeq.convert.quantization.draft import Draft, Range
from edgeq.convert.quantization.parameters import (
    choose_parameters,
    range_of,
    representable,
    union,
    width,
)
from edgeq.convert.quantization.rules import activation_inputs, rule_of
from edgeq.core.errors import ToolchainError
from edgeq.graph.ir import Graph, Node, Quantization

Slot = tuple[int, str]
INTEGERS = ("int8", "int16")
# What a fused activation or an operator of that name tells apart.
_FREE = Range(-math.inf, math.inf)
_CLAMPS: Mapping[str, Range] = {
    "RELU": Range(0.0, math.inf),
    "RELU6": Range(0.0, 6.0),
    "RELU_N1_TO_1": Range(-1.0, 1.0),
    "RELU_0_TO_1": Range(0.0, 1.0),
    # Beyond, the function is nearer to its end than half a step of its output.
    "TANH int8": Range(-3.2, 3.2),
    "TANH int16": Range(-6.0, 6.0),
    "LOGISTIC int8": Range(-6.3, 6.3),
    "LOGISTIC int16": Range(-11.1, 11.1),
}
# Which values of a constant these choose depends on the sample.
_TABLES = ("GATHER", "GATHER_ND")
# A scale that is coarser by this factor costs more than another rounding, which a QUANTIZE is.
_COARSER = 2.0


@dataclass(slots=True)
class Sharing:
    """Classes of slots that share their parameters, by union-find; `fixed` ones are given."""

    draft: Draft
    dtypes: Mapping[int, str]
    readers: Mapping[int, Sequence[Node]]
    parents: dict[Slot, Slot] = field(default_factory=dict)
    fixed: dict[Slot, Quantization] = field(default_factory=dict)
    spans: dict[Slot, Range] = field(default_factory=dict)
    least: dict[Slot, float] = field(default_factory=dict)

    def root(self, slot: Slot) -> Slot:
        """Return the slot that stands for the class of `slot`."""
        while slot in self.parents:
            slot = self.parents[slot]
        return slot

    def parameters(self, slot: Slot) -> Quantization:
        """Return scale and zero point of a slot of int8 or int16."""
        root = self.root(slot)
        known = self.fixed.get(root)
        if known is None:
            span = self.spans.get(root)
            span = self.span_of(slot[0]) if span is None else span
            known = choose_parameters(span, slot[1], self.least.get(root, 0.0))
        return known

    def span_of(self, index: int) -> Range:
        """Return the range of a tensor: a constant's own, the draft's, or all that was observed.

        Raises:
            ToolchainError: the draft has none.
        """
        tensor = self.draft.graph.tensor(index)
        if tensor.data is not None:
            return range_of(tensor.data)
        span, seen = self.draft.ranges.get(index), self.draft.observed
        if span is None and seen is not None and index in seen.tensors:
            span = Range(seen.tensors[index].low, seen.tensors[index].high)
        if span is None or not (span.low <= span.high and abs(span.low + span.high) < 3e38):
            raise ToolchainError(
                f"{self.draft.graph.name}: tensor {tensor.name} has "
                f"{'no range' if span is None else f'the range {span.low}..{span.high}'}",
                hint="calibrate with samples that the model can run",
            )
        return span

    def join(self, first: Slot, second: Slot) -> None:
        """Make one class of two."""
        a, b = self.root(first), self.root(second)
        if a == b:
            return
        self.parents[b] = a
        if b in self.fixed:
            self.fixed[a] = self.fixed[b]

    def class_span(self, slot: Slot) -> Range:
        """Return the union of the ranges of a slot's class, as far as it is known."""
        root = self.root(slot)
        members = [s for s in (*self.parents, root) if self.root(s) == root]
        return union(self.span_of(index) for index, _ in {*members, slot})


def share(draft: Draft, dtypes: Mapping[int, str]) -> Sharing:
    """Return the classes of a draft whose nodes (by index) compute in `dtypes`."""
    graph = draft.graph
    readers: dict[int, list[Node]] = {}
    for node in graph.nodes:
        for index in {*node.inputs}:
            readers.setdefault(index, []).append(node)
    sharing = Sharing(_clamped(draft, dtypes, readers), dtypes, readers)
    for node in graph.nodes:
        rule, dtype = rule_of(node), dtypes[node.index]
        if rule is None or dtype not in INTEGERS:
            continue
        if dtype in rule.fixed:
            sharing.fixed[(node.outputs[0], dtype)] = rule.fixed[dtype]
        if rule.shares:
            _join_node(sharing, node, dtype)
    _measure(sharing)
    for node in graph.nodes:
        _limit_sum(sharing, node, dtypes[node.index])
    return sharing


def _clamped(
    draft: Draft, dtypes: Mapping[int, str], readers: Mapping[int, Sequence[Node]]
) -> Draft:
    """Return the draft with the ranges that activations leave.

    What only activations read needs no more than what they let pass: its integers saturate.
    """
    ranges, graph = dict(draft.ranges), draft.graph
    for node in graph.nodes:
        own = _clamp_of(str(node.options.get("fused_activation_function", "NONE")), node.op)
        for index in node.outputs:
            later = [
                _clamp_of(reader.op, f"{reader.op} {dtypes[reader.index]}")
                for reader in readers.get(index, ())
            ]
            if index in graph.outputs or not later:
                later = [_FREE]
            if index in ranges:
                kept = Range(min(r.low for r in later), max(r.high for r in later))
                ranges[index] = _clip(_clip(ranges[index], own), kept)
    return replace(draft, ranges=ranges)


def _clamp_of(*names: str) -> Range:
    return next((_CLAMPS[name] for name in names if name in _CLAMPS), _FREE)


def _clip(span: Range, limits: Range) -> Range:
    low = min(max(span.low, limits.low), limits.high)
    return Range(low, min(max(span.high, limits.low), limits.high))


def _join_node(sharing: Sharing, node: Node, dtype: str) -> None:
    graph = sharing.draft.graph
    outputs = [(i, dtype) for i in node.outputs if graph.tensor(i).dtype == "float32"]
    inputs = [(node.inputs[p], dtype) for p in activation_inputs(graph, node)]
    if not outputs:
        return
    for slot in outputs[1:]:
        sharing.join(outputs[0], slot)
    together = union(sharing.span_of(index) for index, _ in inputs) if len(inputs) > 1 else None
    for slot in inputs:
        if together is None or _fits(sharing, node, outputs[0], slot, together):
            sharing.join(outputs[0], slot)


def _fits(sharing: Sharing, node: Node, target: Slot, slot: Slot, together: Range) -> bool:
    """Whether an input of several takes part, or is better brought to scale by a QUANTIZE."""
    mine, theirs = (sharing.fixed.get(sharing.root(s)) for s in (slot, target))
    if mine is not None and theirs is not None:
        return mine == theirs
    given = mine or theirs
    if given is not None:
        held = representable(given, slot[1])
        return (
            held.low <= together.low
            and together.high <= held.high
            and width(held) < _COARSER * width(together)
        )
    elsewhere = any(reader is not node for reader in sharing.readers.get(slot[0], ()))
    alone = not elsewhere and slot[0] not in sharing.draft.graph.outputs
    return alone or width(together) < _COARSER * width(sharing.class_span(slot))


def _measure(sharing: Sharing) -> None:
    """Give every class the union of its members' ranges, without what none of them shows."""
    spans: dict[Slot, list[Range]] = {}
    for slot in {*sharing.parents, *(sharing.root(s) for s in sharing.parents)}:
        root = sharing.root(slot)
        spans.setdefault(root, [])
        if root not in sharing.fixed and not _hidden(sharing, slot):
            spans[root].append(sharing.span_of(slot[0]))
    sharing.spans.update({root: union(found) for root, found in spans.items()})


def _limit_sum(sharing: Sharing, node: Node, dtype: str) -> None:
    """Keep the output of a sum so coarse that its kernel's factor is below 1."""
    rule, graph = rule_of(node), sharing.draft.graph
    if rule is None or dtype not in rule.shift:
        return
    slots = [(node.inputs[place], dtype) for place in activation_inputs(graph, node)]
    if slots:
        largest = max(sharing.parameters(slot).scale for slot in slots)
        root = sharing.root((node.outputs[0], dtype))
        needed = largest * 2.0 ** (2 - rule.shift[dtype])
        sharing.least[root] = max(needed, sharing.least.get(root, 0.0))


def _hidden(sharing: Sharing, slot: Slot) -> bool:
    """Whether all readers of a slot choose among its values: their outputs say what is needed."""
    index, dtype = slot
    graph: Graph = sharing.draft.graph
    readers = sharing.readers.get(index, ())
    looked_up = any(node.op in _TABLES for node in readers) and graph.tensor(index).is_constant
    if not readers or index in graph.outputs or looked_up:
        return False
    for node in readers:
        rule, out = rule_of(node), node.outputs[0]
        chosen = rule is not None and rule.selects and sharing.dtypes[node.index] == dtype
        if not chosen or sharing.root((out, dtype)) != sharing.root(slot):
            return False
    return True
