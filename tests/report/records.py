"""A report's record, made by hand."""

from __future__ import annotations

from edgeq.core.records import (
    BoardRecord,
    CalibrationRecord,
    ConversionRecord,
    EngineRecord,
    EvaluationRecord,
    LatencyRecord,
    LayerRecord,
    MemoryRecord,
    MismatchRecord,
    ModelRecord,
    OutputRecord,
    Result,
    TensorErrorRecord,
    ValidationRecord,
)
from edgeq.report.records import ReportData
from tests.support.bench_data import IMAGE, PLAN, virtual_board

EVIL = "<script>alert('x')</script>"


def make_result(name: str = "tiny") -> Result:
    """Return a benchmark of two layers."""
    layers = tuple(
        LayerRecord(
            index=i,
            op="FULLY_CONNECTED",
            name=name,
            macs=16,
            instructions=100 * (i + 1),
            time_s=0.0004 * (i + 1),
        )
        for i in range(2)
    )
    return Result(
        model=ModelRecord(name=name, sha256="00" * 32, bytes=1000, macs=32),
        board=BoardRecord(
            id="virt-m4", core="cortex-m4", clock_hz=120_000_000, kind="virtual",
            verified="emulated",
        ),
        engine=EngineRecord(name="aot", version="0", options={}),
        latency=LatencyRecord(
            kind="estimated", median_s=0.0012, p95_s=0.0013, mean_s=0.0012, runs=10,
            instructions=300, cycles=360, cycles_kind="estimated", cycles_source="a table",
        ),
        memory=MemoryRecord(
            flash_bytes=2048, code_bytes=1024, constant_bytes=1024, ram_bytes=600, arena_bytes=100,
            static_bytes=0, stack_bytes=500, image_bytes=4096,
        ),
        energy=None,
        output=OutputRecord(crc32="0badcafe", bit_exact=True, oracle="edgeq"),
        layers=layers,
        warnings=("noisy",),
    )  # fmt: skip


def make_report(name: str = "tiny") -> ReportData:
    """Return the record of a deploy of a model called `name`."""
    return ReportData(
        result=make_result(name),
        plan=PLAN,
        board=virtual_board(),
        image=IMAGE,
        conversion=ConversionRecord(
            source=name, backend="tflite", backend_version="2", input_dtype="int8",
            output_dtype="int8", source_bytes=5000, float_bytes=4000, int8_bytes=1000,
            float_max_error=1e-6, sqnr_db=33.3, seconds=4.0,
            calibration=CalibrationRecord(
                dataset="digits", samples=200, sha256="11" * 32, method="min-max"
            ),
        ),
        evaluation=EvaluationRecord(
            dataset="digits", split="evaluation", samples=400, metric="top1", float_value=0.985,
            int8_value=0.9825, sqnr_db=34.0, agreement=0.9975, engine="litert",
        ),
        layer_errors=(
            TensorErrorRecord(index=0, name=name, op="FULLY_CONNECTED", sqnr_db=40.0),
        ),
        validation=ValidationRecord(
            inputs=100, matched=99, oracle="edgeq",
            first_mismatch=MismatchRecord(
                input="lcg:1", layer=1, layer_name=name, op="FULLY_CONNECTED", differing=1,
                elements=4, examples=((2, 5, 6),),
            ),
        ),
        command="edgeq deploy tiny.keras --data digits --board virt-m4",
        versions={"edgeq": "0", "numpy": "2"},
    )  # fmt: skip
