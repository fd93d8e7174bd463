"""From a float model and a dataset to a checked int8 .tflite."""

from __future__ import annotations

import math
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.convert.checks import check_float, check_int8
from edgeq.convert.child import MEMORY_BYTES, TIMEOUT_S, Progress, quiet, run_task
from edgeq.core.errors import InputError, ToolchainError, UsageError, did_you_mean
from edgeq.core.files import sha256_hex, write_atomic
from edgeq.core.records import CalibrationRecord, ConversionRecord
from edgeq.graph.reader import read_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edgeq.data.dataset import Dataset

# The backends of convert/backends.py, and the dtypes that each one can give inputs and outputs.
BACKENDS = {"tflite": ("int8", "uint8", "float32"), "aeq": ("int8",)}
FLOAT_TOLERANCE = 1e-3
FEW_SAMPLES = 50


def convert_model(
    source: Path,
    out: Path,
    *,
    dataset: Dataset,
    backend: str = "tflite",
    input_dtype: str = "int8",
    output_dtype: str = "int8",
    samples: int = 500,
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
    on_progress: Progress = quiet,
) -> ConversionRecord:
    """Quantise `source` to the full-integer .tflite `out`, the float one beside it.

    Args:
        source: .keras, .h5, a SavedModel folder or a float .tflite (quantised by `aeq`).
        dataset: its representative split calibrates, at most `samples` of it.

    Raises:
        InputError: the source is refused, or does not fit the dataset.
        UsageError: an unknown backend or dtype.
        ToolchainError: the converter crashed, hung, ran out of memory, or left float operators.
    """
    source, out = Path(source), Path(out)
    backend = "aeq" if source.suffix == ".tflite" else backend
    _check_request(source, backend, input_dtype, output_dtype, samples)
    x = _calibration_samples(dataset, samples)
    began = time.monotonic()
    types = {"input_dtype": input_dtype, "output_dtype": output_dtype}
    job = {"source": str(source.resolve()), "backend": backend, **types}
    limits: dict[str, Any] = {"timeout_s": timeout_s, "memory_bytes": memory_bytes}
    floating, int8, answer = _run(job, x, limits, on_progress)
    _check_answer(source, answer)
    write_atomic(float_path(out), floating)
    write_atomic(out, int8)
    return ConversionRecord(
        source=source.name,
        backend=backend,
        backend_version=answer["backend_version"],
        **types,
        source_bytes=_size(source),
        float_bytes=len(floating),
        int8_bytes=len(int8),
        float_max_error=answer["float_max_error"],
        sqnr_db=answer["sqnr_db"],
        calibration=_calibration(dataset, x, answer["method"]),
        seconds=time.monotonic() - began,
        warnings=(*dataset.warnings, *_warnings(x)),
    )


def _calibration(dataset: Dataset, x: NDArray[np.float32], method: str) -> CalibrationRecord:
    return CalibrationRecord(
        dataset=dataset.name, samples=len(x), sha256=hash_samples(x), method=method
    )


def _calibration_samples(dataset: Dataset, limit: int) -> NDArray[np.float32]:
    x = np.ascontiguousarray(dataset.samples("representative", limit).x, np.float32)
    if len(x) == 0 or not np.isfinite(x).all():
        raise InputError(
            f"dataset {dataset.name}: its representative samples are empty or not finite",
            hint="look at it: edgeq data show",
        )
    return x


def _run(
    job: dict[str, Any], x: NDArray[np.float32], limits: dict[str, Any], on_progress: Progress
) -> tuple[bytes, bytes, dict[str, Any]]:
    """Return the checked float and int8 .tflite of a child, and what it says of them."""
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        np.save(folder / "x.npy", x)
        answer = run_task("convert", job, folder, **limits, on_progress=on_progress)
        floating, int8 = folder / "float.tflite", folder / "int8.tflite"
        check_float(read_model(floating))
        dtypes = {"input_dtype": job["input_dtype"], "output_dtype": job["output_dtype"]}
        check_int8(read_model(int8), **dtypes)
        return floating.read_bytes(), int8.read_bytes(), answer


def float_path(out: Path) -> Path:
    """Return where the float model of the int8 model `out` lies."""
    return out.with_name(f"{out.stem}_float.tflite")


def hash_samples(x: NDArray[np.float32]) -> str:
    """Return the SHA-256 over dtype, shape and the samples in order."""
    return sha256_hex(f"{x.dtype.str}{x.shape}".encode() + x.tobytes())


def _check_request(
    source: Path, backend: str, input_dtype: str, output_dtype: str, samples: int
) -> None:
    if not source.exists():
        raise InputError(f"there is no model {source}", hint="check the path")
    if backend not in BACKENDS:
        known = ", ".join(BACKENDS)
        raise UsageError(
            f"unknown backend {backend!r}.{did_you_mean(backend, BACKENDS)}",
            hint=f"choose one of: {known}",
        )
    for dtype in (input_dtype, output_dtype):
        if dtype not in BACKENDS[backend]:
            raise UsageError(
                f"the backend {backend} gives no {dtype} inputs and outputs",
                hint=f"choose one of: {', '.join(BACKENDS[backend])}",
            )
    if samples < 1:
        raise UsageError(f"{samples} samples cannot calibrate", hint="give at least 1")


def _check_answer(source: Path, answer: dict[str, Any]) -> None:
    """Refuse a float .tflite that does not compute what its source does, or NaN."""
    error, peak = answer["float_max_error"], answer["float_peak"]
    if not math.isfinite(peak) or not math.isfinite(answer["sqnr_db"]):
        raise ToolchainError(
            f"{source.name}: the converted model gives NaN or infinity",
            hint="check the model's weights and the dataset's range",
        )
    if error is not None and not error <= FLOAT_TOLERANCE * max(1.0, peak):
        raise ToolchainError(
            f"{source.name}: the float .tflite differs from its source by {error:g}",
            hint="the converter changed the model; report it with the model",
        )


def _warnings(x: NDArray[np.float32]) -> tuple[str, ...]:
    found = []
    if len(x) < FEW_SAMPLES:
        found.append(f"calibrated by {len(x)} samples only; ranges may be too narrow")
    if np.ptp(x) == 0:
        found.append("all calibration samples are one constant")
    return tuple(found)


def _size(source: Path) -> int:
    files = source.rglob("*") if source.is_dir() else (source,)
    return sum(path.stat().st_size for path in files if path.is_file())
