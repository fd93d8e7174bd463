"""The parent's side of a conversion child: a job folder in, arrays and an answer out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgeq.core import errors
from edgeq.core.errors import EdgeqError, InternalError, ToolchainError
from edgeq.core.processes import python_argv, run

Progress = Callable[[str, float | None], None]
JOB, ANSWER, MARK = "job.json", "answer.json", "@edgeq "
TIMEOUT_S = 600.0
# What Python, C++, TensorFlow, the loader of libraries and OpenBLAS say where memory ends.
OUT_OF_MEMORY = (
    "MemoryError",
    "bad_alloc",
    "OOM",
    "Cannot allocate",
    "failed to map segment",
    "pthread_create failed",
    "pthread_create() failed",
)
MEMORY_BYTES = 12 << 30
ENVIRONMENT = {
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "CUDA_VISIBLE_DEVICES": "-1",
    "KERAS_BACKEND": "tensorflow",
    "PYTHONHASHSEED": "0",
}


def quiet(stage: str, share: float | None = None) -> None:
    """Report no progress."""


def run_task(
    task: str,
    job: dict[str, Any],
    folder: Path,
    *,
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
    on_progress: Progress = quiet,
) -> dict[str, Any]:
    """Run one of the worker's tasks in a child that works in `folder`; return its answer.

    Raises:
        TimedOut: the child hung.
        ToolchainError: it crashed or ran out of memory.
        EdgeqError: what the child itself raised, with its class, cause and hint.
    """
    (folder / JOB).write_text(json.dumps({"task": task, **job}))
    (folder / ANSWER).unlink(missing_ok=True)
    ended = run(
        python_argv("edgeq.convert.worker", str(folder)),
        timeout_s=timeout_s,
        memory_bytes=memory_bytes,
        env=ENVIRONMENT,
        on_line=lambda line: _report(line, on_progress),
    )
    try:
        answer: dict[str, Any] = json.loads((folder / ANSWER).read_text())
    except (OSError, ValueError):
        raise _crash(task, ended.returncode, ended.stderr, memory_bytes) from None
    if "error" in answer:
        raise _revive(answer)
    return answer


def _report(line: str, on_progress: Progress) -> None:
    if line.startswith(MARK):
        stage, share = json.loads(line[len(MARK) :])
        on_progress(stage, share)


def _revive(answer: dict[str, Any]) -> EdgeqError:
    kind = getattr(errors, str(answer["error"]), InternalError)
    error: EdgeqError = kind(str(answer["cause"]), hint=str(answer["hint"]))
    return error


def _crash(task: str, code: int, stderr: str, memory_bytes: int) -> ToolchainError:
    words = stderr.strip().splitlines() or ["no message"]
    short = [line for line in words if any(sign in line for sign in OUT_OF_MEMORY)]
    last = (short or words)[-1][:300]
    end = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
    if short:
        return ToolchainError(
            f"the child that does '{task}' ran out of its {memory_bytes >> 20:,} MiB: {last}",
            hint="give it more memory (--memory), or a smaller model",
        )
    return ToolchainError(
        f"the child that does '{task}' {end}: {last}",
        hint="try another backend: --backend edgeq, tflite or aeq",
    )
