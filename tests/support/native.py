"""Generated C, compiled for this computer with sanitizers, and run in its own process."""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgeq.compile.source import NAMES, kernel_paths
from edgeq.core.records import CompiledModel
from edgeq.graph.ir import DTYPES, Graph

WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
_SANITIZERS = ("-O1", "-g0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

_MAIN = """
#include <stdio.h>
{headers}
int main(void)
{{
    int i;
{runs}
    return 0;
}}
"""

_RUN = """
    {{
        static const unsigned in[] = {{{inputs}}}, out[] = {{{outputs}}};
        {resets}{name}_init();
        for (i = 0; i < {macro}_INPUTS; i++)
            if (fread({name}_input(i), 1, in[i], stdin) != in[i]) return 1;
        {name}_invoke();
        for (i = 0; i < {macro}_OUTPUTS; i++) fwrite({name}_output(i), 1, out[i], stdout);
    }}
"""


def require_compiler(name: str) -> str:
    """Return the path of a C compiler; skip the test where it is missing."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


def write_library(compiled: CompiledModel, folder: Path) -> None:
    """Write the files of a compiled model."""
    for name, text in compiled.files.items():
        (folder / name).write_text(text, encoding="ascii")


def compile_strictly(compiler: str, folder: Path, sources: Sequence[str]) -> None:
    """Compile C without a single warning."""
    command = [require_compiler(compiler), *WARNINGS, "-O2", "-c", *sources]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@functools.cache
def _kernel_objects() -> Path:
    """Return a folder with every kernel as an object file; made once."""
    folder = Path(tempfile.mkdtemp(prefix="edgeq-kernels-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for file in kernel_paths().values():
        shutil.copy(file, folder)
    for source in sorted(folder.glob("*.c")):
        _run_gcc(folder, "-c", source.name, "-o", f"{source.name}.o")
    return folder


def _run_gcc(folder: Path, *arguments: str) -> None:
    command = [require_compiler("gcc"), *WARNINGS, *_SANITIZERS, *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def run_native(
    graph: Graph, compiled: CompiledModel, inputs: Sequence[NDArray[Any]], folder: Path
) -> list[NDArray[Any]]:
    """Return the outputs of the generated C, run under sanitizers for addresses and overflow."""
    return run_together([graph], [compiled], [inputs], folder)[0]


def run_sequence(
    graph: Graph,
    compiled: CompiledModel,
    sequence: Sequence[Sequence[NDArray[Any]]],
    folder: Path,
    resets: Sequence[int] = (0,),
) -> list[list[NDArray[Any]]]:
    """Return the outputs of consecutive invokes; NAME_init is called before those in `resets`."""
    count = len(sequence)
    return _run([graph] * count, [compiled] * count, sequence, folder, resets)


def run_together(
    graphs: Sequence[Graph],
    compiled: Sequence[CompiledModel],
    inputs: Sequence[Sequence[NDArray[Any]]],
    folder: Path,
) -> list[list[NDArray[Any]]]:
    """Return the outputs of several models of different names, run one after the other in one
    program, under sanitizers for addresses and overflow."""
    return _run(graphs, compiled, inputs, folder, range(len(graphs)))


def _run(
    graphs: Sequence[Graph],
    compiled: Sequence[CompiledModel],
    inputs: Sequence[Sequence[NDArray[Any]]],
    folder: Path,
    resets: Sequence[int],
) -> list[list[NDArray[Any]]]:
    for model in compiled:
        write_library(model, folder)
    # The objects that all tests share have the kernels' own names, without a model's prefix.
    shutil.copy(kernel_paths()[NAMES], folder)
    runs = "".join(
        _RUN.format(**_names(model), resets="" if i in resets else "if (0) ")
        for i, model in enumerate(compiled)
    )
    different = {model.name: model for model in compiled}.values()
    headers = "".join(f'#include "{model.name}.h"\n' for model in different)
    (folder / "main.c").write_text(_MAIN.format(headers=headers, runs=runs))
    objects = _kernel_objects()
    kernels = sorted({s for model in different for s in model.sources[1:]})
    models = [f"{model.name}.c" for model in different]
    _run_gcc(folder, "main.c", *models, *(str(objects / f"{s}.o") for s in kernels))
    data = b"".join(np.ascontiguousarray(a).tobytes() for given in inputs for a in given)
    ran = subprocess.run([folder / "a.out"], input=data, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    return _split(graphs, ran.stdout)


def _names(model: CompiledModel) -> dict[str, str]:
    return {
        "name": model.name,
        "macro": model.name.upper(),
        "inputs": ", ".join(str(p.bytes) for p in model.plan.inputs) or "0",
        "outputs": ", ".join(str(p.bytes) for p in model.plan.outputs),
    }


def _split(graphs: Sequence[Graph], data: bytes) -> list[list[NDArray[Any]]]:
    results, at = [], 0
    for graph in graphs:
        outputs = []
        for t in (graph.tensor(i) for i in graph.outputs):
            flat = np.frombuffer(data, DTYPES[t.dtype], t.elements, at)
            outputs.append(flat.reshape(t.shape))
            at += t.bytes
        results.append(outputs)
    return results
