"""From a float model and a dataset to a checked quantised .tflite."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edgeq.convert.checks import check_float, check_int8, check_scheme
from edgeq.convert.child import MEMORY_BYTES, TIMEOUT_S, Progress, quiet, run_task
from edgeq.convert.quantization.diagnosis import diagnose_samples
from edgeq.convert.quantization.scheme import LayerScheme, Scheme, parse_scheme
from edgeq.convert.samples import Inputs, hash_samples, save_inputs
from edgeq.core.defaults import BACKEND
from edgeq.core.errors import InputError, ToolchainError, UsageError, did_you_mean
from edgeq.core.files import refuse_missing, refuse_unwritable, write_together
from edgeq.core.records import CalibrationRecord, ConversionRecord
from edgeq.graph.reader import read_model

if TYPE_CHECKING:
    from edgeq.data.dataset import Dataset, Samples

# The backends of convert/backends.py, and the dtypes that each one can give inputs and outputs.
BACKENDS = {
    "edgeq": ("int8", "uint8", "int16", "float32"),
    "tflite": ("int8", "uint8", "float32"),
    "aeq": ("int8",),
}
FLOAT_TOLERANCE = 1e-3


def convert_model(
    source: Path,
    out: Path,
    *,
    dataset: Dataset,
    backend: str = BACKEND,
    scheme: str = "int8",
    per_layer: Sequence[str] = (),
    input_dtype: str | None = None,
    output_dtype: str | None = None,
    samples: int = 500,
    timeout_s: float = TIMEOUT_S,
    memory_bytes: int = MEMORY_BYTES,
    on_progress: Progress = quiet,
) -> ConversionRecord:
    """Quantise `source` to the .tflite `out`, the float one beside it.

    Args:
        source: .keras, .h5, a SavedModel folder or a float .tflite (not for `tflite`).
        dataset: its representative split calibrates, at most `samples` of it.
        scheme: a name of SCHEMES; `per_layer` gives some layers another, 'REGEX=SCHEME'.
        input_dtype: of the model's inputs, as `output_dtype`; None is the scheme's own.

    Raises:
        InputError: the source is refused, or does not fit the dataset.
        UsageError: an unknown backend, scheme or dtype, or one that does not suit another; `out`
            cannot be written.
        ToolchainError: the converter crashed, hung, ran out of memory, or a layer cannot have the
            types asked for.
    """
    source, out = Path(source), Path(out)
    backend = "edgeq" if source.suffix == ".tflite" and backend == "tflite" else backend
    wanted = parse_scheme(scheme, per_layer, input_dtype, output_dtype)
    _check_request(source, backend, wanted, samples)
    refuse_unwritable(out)
    calibration = _calibration_samples(dataset, samples)
    began = time.monotonic()
    types = {"input_dtype": wanted.input_dtype, "output_dtype": wanted.output_dtype}
    job: dict[str, Any] = {"source": str(source.resolve()), "backend": backend, **types}
    job |= {"scheme": scheme, "per_layer": list(per_layer)}
    limits: dict[str, Any] = {"timeout_s": timeout_s, "memory_bytes": memory_bytes}
    floating, int8, answer = _run(job, wanted, calibration, limits, on_progress)
    check_answer(source, answer)
    write_together({float_path(out): floating, out: int8})
    return ConversionRecord(
        source=source.name,
        backend=answer["backend"],
        backend_version=answer["backend_version"],
        input_dtype=wanted.input_dtype,
        output_dtype=wanted.output_dtype,
        scheme=scheme,
        per_layer=tuple(per_layer),
        source_bytes=source_size(source),
        float_bytes=len(floating),
        int8_bytes=len(int8),
        float_max_error=answer["float_max_error"],
        sqnr_db=answer["sqnr_db"],
        calibration=calibration_record(dataset, calibration.inputs, answer["method"]),
        seconds=time.monotonic() - began,
        warnings=(
            *dataset.warnings,
            *find_warnings(calibration.inputs, dataset),
            *answer["notes"],
            *answer["warnings"],
        ),
    )


def calibration_record(dataset: Dataset, inputs: Inputs, method: str) -> CalibrationRecord:
    """Return the record of samples (N, ...), one array for each input, that calibrated."""
    return CalibrationRecord(
        dataset=dataset.name,
        samples=len(inputs[0]),
        sha256=hash_samples(*inputs),
        method=method,
    )


def _calibration_samples(dataset: Dataset, limit: int) -> Samples:
    samples = dataset.samples("representative", limit)
    if len(samples.x) == 0 or not all(np.isfinite(x).all() for x in samples.inputs):
        raise InputError(
            f"dataset {dataset.name}: its representative samples are empty or not finite",
            hint="look at it: edgeq data show",
        )
    return samples


def _run(
    job: dict[str, Any],
    scheme: Scheme,
    samples: Samples,
    limits: dict[str, Any],
    on_progress: Progress,
) -> tuple[bytes, bytes, dict[str, Any]]:
    """Return the checked float and quantised .tflite of a child, and what it says of them."""
    with tempfile.TemporaryDirectory(prefix="edgeq-") as name:
        folder = Path(name)
        save_inputs(folder, samples.inputs)
        job = {**job, "names": samples.names}
        answer = run_task("convert", job, folder, **limits, on_progress=on_progress)
        floating, int8 = folder / "float.tflite", folder / "int8.tflite"
        check_float(read_model(floating))
        if answer["backend"] == "edgeq":
            check_scheme(read_model(int8), scheme, answer["layers"])
        else:
            dtypes = {"input_dtype": job["input_dtype"], "output_dtype": job["output_dtype"]}
            check_int8(read_model(int8), **dtypes)
        return floating.read_bytes(), int8.read_bytes(), answer


def float_path(out: Path) -> Path:
    """Return where the float model of the int8 model `out` lies."""
    return out.with_name(f"{out.stem}_float.tflite")


def _check_request(source: Path, backend: str, scheme: Scheme, samples: int) -> None:
    refuse_missing(source)
    if backend not in BACKENDS:
        known = ", ".join(BACKENDS)
        raise UsageError(
            f"unknown backend {backend!r}.{did_you_mean(backend, BACKENDS)}",
            hint=f"choose one of: {known}",
        )
    plain = scheme.default == LayerScheme() and not scheme.scopes
    if backend != "edgeq" and not plain:
        raise UsageError(f"the backend {backend} gives int8 alone", hint="choose backend edgeq")
    for dtype in (scheme.input_dtype, scheme.output_dtype):
        if dtype not in BACKENDS[backend]:
            raise UsageError(
                f"the backend {backend} gives no {dtype} inputs and outputs",
                hint=f"choose one of: {', '.join(BACKENDS[backend])}",
            )
    if samples < 1:
        raise UsageError(f"{samples} samples cannot calibrate", hint="give at least 1")


def check_answer(source: Path, answer: dict[str, Any]) -> None:
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


def find_warnings(inputs: Inputs, dataset: Dataset | None = None) -> tuple[str, ...]:
    """Say what is wrong with calibration samples (N, ...) of each input."""
    if dataset is None:
        return diagnose_samples(inputs)
    spec = dataset.manifest.sample
    return diagnose_samples(inputs, spec.low, spec.high)


def source_size(source: Path) -> int:
    """Return the bytes of a model's file, or of all files of its folder."""
    files = source.rglob("*") if source.is_dir() else (source,)
    return sum(path.stat().st_size for path in files if path.is_file())
