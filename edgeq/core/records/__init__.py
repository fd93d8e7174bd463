"""Frozen records handed between rooms. Data flows one way: nothing here is ever changed in place.

Every number carries what it is: `measured` on real hardware, `simulated` instruction for
instruction on a virtual board, or `estimated` from a model or a table.
"""

from edgeq.core.records.base import BoardKind, Kind, Record
from edgeq.core.records.check import CheckedResult, CheckRecord, GateRecord, Verdict
from edgeq.core.records.comparison import ComparisonRecord, OperatorGroup
from edgeq.core.records.conversion import (
    CalibrationRecord,
    ConversionRecord,
    EvaluationRecord,
    MismatchRecord,
    TensorErrorRecord,
    ValidationRecord,
)
from edgeq.core.records.energy import (
    BatteryRecord,
    EnergyRecord,
    Gating,
    MeterRecord,
    PowerPlot,
    WindowRecord,
)
from edgeq.core.records.firmware import EDGEQ, FirmwareImage, ProtocolRecord, RegionUse, SizeRecord
from edgeq.core.records.linux import HostRecord, HostState, ScalingRecord
from edgeq.core.records.plan import (
    DEFAULT,
    CompiledModel,
    CompileOptions,
    Goal,
    PassRecord,
    Plan,
    PlannedLayer,
    PlannedTensor,
    PortRecord,
)
from edgeq.core.records.result import (
    BoardRecord,
    DifferenceRecord,
    EngineRecord,
    LatencyRecord,
    LayerRecord,
    MemoryRecord,
    ModelRecord,
    OutputRecord,
    Result,
)

__all__ = [
    "DEFAULT",
    "EDGEQ",
    "BatteryRecord",
    "BoardKind",
    "BoardRecord",
    "CalibrationRecord",
    "CheckRecord",
    "CheckedResult",
    "ComparisonRecord",
    "CompileOptions",
    "CompiledModel",
    "ConversionRecord",
    "DifferenceRecord",
    "EnergyRecord",
    "EngineRecord",
    "EvaluationRecord",
    "FirmwareImage",
    "GateRecord",
    "Gating",
    "Goal",
    "HostRecord",
    "HostState",
    "Kind",
    "LatencyRecord",
    "LayerRecord",
    "MemoryRecord",
    "MeterRecord",
    "MismatchRecord",
    "ModelRecord",
    "OperatorGroup",
    "OutputRecord",
    "PassRecord",
    "Plan",
    "PlannedLayer",
    "PlannedTensor",
    "PortRecord",
    "PowerPlot",
    "ProtocolRecord",
    "Record",
    "RegionUse",
    "Result",
    "ScalingRecord",
    "SizeRecord",
    "TensorErrorRecord",
    "ValidationRecord",
    "Verdict",
    "WindowRecord",
]
