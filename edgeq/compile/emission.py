"""A model for firmware that runs TensorFlow Lite Micro: its files, and what they will cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from edgeq.boards.profile import CoreName
from edgeq.compile.arena import ArenaEstimate, Kernels, estimate_arena
from edgeq.compile.array import Arenas, emit_array
from edgeq.compile.micro import history
from edgeq.compile.micro.cmsis_nn import SIMD
from edgeq.compile.runtimes import RuntimeProblem, check_runtime
from edgeq.compile.vela import NpuEstimate, npu_estimate, run_vela
from edgeq.core.records import Record
from edgeq.graph.ir import Graph
from edgeq.graph.metadata import offline_offsets
from edgeq.graph.reader import read_graph

# Without a board: one core for each size of CMSIS-NN's scratch buffers.
_CORE: CoreName = "cortex-m4"
_MVE_CORE: CoreName = "cortex-m55"


class Emission(Record, frozen=True, kw_only=True):
    """What `edgeq emit` wrote, and what the target must give for it.

    `files` are relative to the folder; `version` is the runtime that `problems` are about, the
    latest that the table knows where none was given. Where `npu` is set, `model_bytes` and
    `model_sha256` are those of the model that Vela made.
    """

    name: str
    model_sha256: str
    model_bytes: int
    files: tuple[str, ...]
    arenas: tuple[ArenaEstimate, ...]
    version: str
    problems: tuple[RuntimeProblem, ...] = ()
    npu: NpuEstimate | None = None

    @property
    def wrong(self) -> tuple[RuntimeProblem, ...]:
        """The problems that give other values without a word."""
        return tuple(p for p in self.problems if p.effect == "wrong")


class EmissionTarget(NamedTuple):
    """What the model is for; an empty `core` is any Cortex-M, an empty `npu` is none."""

    core: str = ""
    npu: str = ""
    version: str | None = None


def emit_graph(
    graph: Graph, data: bytes, name: str, target: EmissionTarget
) -> tuple[Emission, dict[str, str]]:
    """Return the record of an emission, and its files by name.

    Args:
        graph: what `data` holds.
        data: the .tflite file.
        name: becomes a C identifier.

    Raises:
        InputError: TensorFlow Lite Micro has no such operator.
        UsageError: the runtime's version or the NPU is not known.
        ToolchainError: Vela is missing or failed.
    """
    npu = None
    if target.npu:
        data, summary = run_vela(data, target.npu)
        graph = read_graph(data, f"{graph.name}_vela.tflite")
        npu = npu_estimate(graph, summary, target.npu)
    version = target.version or history.END.isoformat()
    problems = check_runtime(graph, version)
    offline = offline_offsets(data, graph.name)
    files = emit_array(graph, data, name, _macros(graph, offline))
    return (
        Emission(
            name=name,
            model_sha256=graph.sha256,
            model_bytes=len(data),
            files=tuple(files),
            arenas=_arenas(graph, target.core, offline),
            version=version,
            problems=problems,
            npu=npu,
        ),
        files,
    )


def _arenas(graph: Graph, core: str, offline: Mapping[int, int]) -> tuple[ArenaEstimate, ...]:
    """Return the arenas for the core; for one of each kind where it is no Cortex-M."""
    cores = tuple(c for c in SIMD if c == core) or (_CORE, _MVE_CORE)
    return (
        estimate_arena(graph, kernels="reference", core=cores[0], offline=offline),
        *(estimate_arena(graph, kernels="cmsis-nn", core=c, offline=offline) for c in cores),
    )


def _macros(graph: Graph, offline: Mapping[int, int]) -> Arenas:
    """Return the sizes for any Cortex-M: CMSIS-NN needs no less with DSP than without."""
    kinds: tuple[tuple[Kernels, CoreName], ...] = (
        ("reference", _CORE),
        ("cmsis-nn", _CORE),
        ("cmsis-nn", _MVE_CORE),
    )
    return Arenas(
        *(estimate_arena(graph, kernels=k, core=c, offline=offline).bytes for k, c in kinds)
    )
