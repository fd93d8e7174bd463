"""The plan: what the `aot` compiler decided, and the files that it made."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from edgeq.core.records.base import Record

Goal = Literal["balanced", "speed", "ram", "flash"]


class CompileOptions(Record, frozen=True, kw_only=True):
    """What the user asks of the `aot` compiler.

    `omitted_passes` are left out; `ram_bytes` and `flash_bytes` are budgets for the compiled model,
    its kernels, constants and arena (None: what the board has).
    """

    goal: Goal = "balanced"
    omitted_passes: tuple[str, ...] = ()
    ram_bytes: int | None = None
    flash_bytes: int | None = None


DEFAULT = CompileOptions()


class PassRecord(Record, frozen=True, kw_only=True):
    """What a pass over the graph did: how many changes, and which, in words."""

    name: str
    changes: int
    note: str = ""


class PlannedTensor(Record, frozen=True, kw_only=True):
    """An activation tensor in the arena.

    `first` and `last` are inclusive layer indices of its lifetime (an input lives from 0, an
    output lives to the last layer); `offset` and `bytes` are in bytes from the arena's start.
    Real value = scale * (q - zero_point).
    """

    index: int
    name: str
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    offset: int
    first: int
    last: int
    scale: float | None = None
    zero_point: int | None = None


class PlannedLayer(Record, frozen=True, kw_only=True):
    """One call in the generated `NAME_invoke`.

    `nodes` are the indices of the graph nodes it computes; `output` is the graph index of the
    tensor that it leaves in the arena at `output_offset`, `output_bytes` long. A layer of several
    nodes runs them stripe by stripe: `kernels` are theirs, one each. Where weights of few distinct
    values are kept as codes, `weight_bits` and `weight_values` say of how many bits and values (the
    most of its nodes), `saved_bytes` what flash is saved.
    """

    index: int
    op: str
    name: str
    nodes: tuple[int, ...]
    kernel: str
    inputs: tuple[int, ...]
    output: int
    output_offset: int
    output_bytes: int
    output_shape: tuple[int, ...]
    macs: int
    constant_bytes: int
    scratch_bytes: int = 0
    kernels: tuple[str, ...] = ()
    weight_bits: int | None = None
    weight_values: int | None = None
    saved_bytes: int = 0

    @property
    def parts(self) -> tuple[PlannedLayer, ...]:
        """The layer, or the nodes of a streamed one, each as a layer of its own."""
        pairs = zip(self.nodes, self.kernels, strict=False)
        return tuple(replace(self, nodes=(n,), kernel=k, kernels=()) for n, k in pairs) or (self,)


class PortRecord(Record, frozen=True, kw_only=True):
    """An input or output of the model. Real value = scale * (q - zero_point)."""

    name: str
    tensor: int
    shape: tuple[int, ...]
    dtype: str
    bytes: int
    offset: int
    scale: float | None = None
    zero_point: int | None = None


class Plan(Record, frozen=True, kw_only=True):
    """Everything the `aot` compiler decided; written beside the C as NAME.json.

    `macs` are those of the model as its file has it, `computed_macs` those that its layers compute
    after the passes, the sum of the layers'. `fast_bytes` of the constants bear NAME_FAST: where
    flash has wait states, a firmware copies them to RAM.
    """

    schema: Literal["edgeq.plan/1"] = "edgeq.plan/1"
    name: str
    model_sha256: str
    model_bytes: int
    edgeq_version: str
    core: str
    macs: int
    arena_bytes: int
    arena_lower_bound: int
    constant_bytes: int
    fast_bytes: int = 0
    inputs: tuple[PortRecord, ...]
    outputs: tuple[PortRecord, ...]
    tensors: tuple[PlannedTensor, ...]
    layers: tuple[PlannedLayer, ...]
    notes: tuple[str, ...] = ()
    options: CompileOptions = CompileOptions()
    passes: tuple[PassRecord, ...] = ()
    computed_macs: int | None = None


class CompiledModel(Record, frozen=True, kw_only=True):
    """A compiled model: its C identifier, its plan, and every file to write, by relative path.

    `sources` names the .c files among `files`, in build order; `hot_sources` are those that a
    build compiles for speed, the rest is compiled for size. For each layer the generated C
    calls `NAME_LAYER_DONE(layer, data, bytes)`, a macro that is empty unless defined from
    outside; a traced firmware defines it.
    """

    name: str
    plan: Plan
    files: dict[str, str]
    sources: tuple[str, ...]
    hot_sources: tuple[str, ...] = ()
