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

from edgeq.compile.source import KERNELS, NAMES
from edgeq.core.records import CompiledModel
from edgeq.graph.ir import DTYPES, Graph

WARNINGS = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
_SANITIZERS = ("-O1", "-g0", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

_MAIN = """
#include <stdio.h>
#include "{name}.h"
int main(void)
{{
    static const unsigned in[] = {{{inputs}}}, out[] = {{{outputs}}};
    int i;
    {name}_init();
    for (i = 0; i < {macro}_INPUTS; i++)
        if (fread({name}_input(i), 1, in[i], stdin) != in[i]) return 1;
    {name}_invoke();
    for (i = 0; i < {macro}_OUTPUTS; i++) fwrite({name}_output(i), 1, out[i], stdout);
    return 0;
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
    for file in KERNELS.iterdir():
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
    plan = compiled.plan
    write_library(compiled, folder)
    # The objects that all tests share have the kernels' own names, without a model's prefix.
    shutil.copy(KERNELS / NAMES, folder)
    (folder / "main.c").write_text(
        _MAIN.format(
            name=plan.name,
            macro=plan.name.upper(),
            inputs=", ".join(str(p.bytes) for p in plan.inputs),
            outputs=", ".join(str(p.bytes) for p in plan.outputs),
        )
    )
    objects = _kernel_objects()
    _run_gcc(
        folder, "main.c", f"{plan.name}.c", *(str(objects / f"{s}.o") for s in compiled.sources[1:])
    )
    data = b"".join(np.ascontiguousarray(a).tobytes() for a in inputs)
    ran = subprocess.run([folder / "a.out"], input=data, capture_output=True, check=False)
    assert ran.returncode == 0, ran.stderr.decode()
    results, at = [], 0
    for index in graph.outputs:
        t = graph.tensor(index)
        flat = np.frombuffer(ran.stdout, DTYPES[t.dtype], t.elements, at)
        results.append(flat.reshape(t.shape))
        at += t.bytes
    return results
