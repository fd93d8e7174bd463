"""A call: an operator together with its tensors, as rules and shape inference look at it."""

from __future__ import annotations

from dataclasses import dataclass

from edgeq.graph.ir import Graph, Node, OptionValue, Tensor

Shape = tuple[int, ...]


class Unfit(ValueError):
    """An operator's tensors and options do not fit together; the text says why."""


@dataclass(frozen=True, slots=True)
class Call:
    """`node` with its tensors. An absent input is None; `roles` names the inputs."""

    node: Node
    roles: tuple[str, ...]
    inputs: tuple[Tensor | None, ...]
    outputs: tuple[Tensor, ...]

    @classmethod
    def of(cls, graph: Graph, node: Node, roles: tuple[str, ...]) -> Call:
        """Return the call of `node`; missing optional inputs at the end are absent."""
        inputs = [graph.tensor(i) if i >= 0 else None for i in node.inputs]
        inputs += [None] * (len(roles) - len(inputs))
        return cls(node, roles, tuple(inputs), tuple(graph.tensor(i) for i in node.outputs))

    def role(self, index: int) -> str:
        """Return the role of input `index`; the last role repeats."""
        return self.roles[min(index, len(self.roles) - 1)]

    def input(self, index: int) -> Tensor:
        """Return input `index`, which must be there."""
        tensor = self.inputs[index]
        if tensor is None:
            raise Unfit(f"{self.role(index)} (input {index}) is absent")
        return tensor

    @property
    def output(self) -> Tensor:
        """The first output."""
        return self.outputs[0]

    @property
    def data(self) -> Shape:
        """The shape of the first input."""
        return self.input(0).shape

    def get(self, role: str) -> Tensor | None:
        """Return the first input of a role, None if there is none."""
        return next((t for name, t in self.named() if name == role), None)

    def named(self) -> list[tuple[str, Tensor]]:
        """Return every tensor that is there, with its role."""
        sources = [(self.role(i), t) for i, t in enumerate(self.inputs) if t is not None]
        return sources + [("output", t) for t in self.outputs]

    def option(self, name: str, default: OptionValue = 0) -> OptionValue:
        """Return option `name`; the file may leave it out."""
        return self.node.options.get(name, default)

    def number(self, name: str, default: int = 0) -> int:
        """Return the integer option `name`."""
        value = self.option(name, default)
        if not isinstance(value, int):
            raise Unfit(f"{name} is {value!r}, not an integer")
        return value

    def values(self, index: int) -> tuple[int, ...]:
        """Return the elements of integer input `index`, which must be constant, flattened."""
        tensor = self.input(index)
        if tensor.data is None:
            raise Unfit(f"{self.role(index)} (input {index}) is not constant")
        return tuple(int(v) for v in tensor.data.reshape(-1))
