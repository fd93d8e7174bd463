"""Frozen records handed between rooms. Data flows one way: nothing here is ever changed in place.

Every number carries what it is: `measured` on real hardware, `simulated` instruction for
instruction on a virtual board, or `estimated` from a model or a table.
"""

from edgeq.core.records.base import BoardKind, Kind, Record
from edgeq.core.records.check import CheckedResult, CheckRecord, GateRecord, Verdict
from edgeq.core.records.comparison import ComparisonRecord, OperatorGroup
from edgeq.core.records.conversion import (
    CalibratedRecord,
    CalibrationComparisonRecord,
    CalibrationRecord,
    ChangeRecord,
    ConversionRecord,
    DriftRecord,
    EvaluationRecord,
    IntervalRecord,
    MismatchRecord,
    RecipeRecord,
    StepRecord,
    TensorDriftRecord,
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
from edgeq.core.records.sensitivity import (
    FigureRecord,
    LayerSensitivityRecord,
    SensitivityRecord,
)

__all__ = [
    "DEFAULT",
    "EDGEQ",
    "BatteryRecord",
    "BoardKind",
    "BoardRecord",
    "CalibratedRecord",
    "CalibrationComparisonRecord",
    "CalibrationRecord",
    "ChangeRecord",
    "CheckRecord",
    "CheckedResult",
    "ComparisonRecord",
    "CompileOptions",
    "CompiledModel",
    "ConversionRecord",
    "DifferenceRecord",
    "DriftRecord",
    "EnergyRecord",
    "EngineRecord",
    "EvaluationRecord",
    "FigureRecord",
    "FirmwareImage",
    "GateRecord",
    "Gating",
    "Goal",
    "HostRecord",
    "HostState",
    "IntervalRecord",
    "Kind",
    "LatencyRecord",
    "LayerRecord",
    "LayerSensitivityRecord",
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
    "RecipeRecord",
    "Record",
    "RegionUse",
    "Result",
    "ScalingRecord",
    "SensitivityRecord",
    "SizeRecord",
    "StepRecord",
    "TensorDriftRecord",
    "TensorErrorRecord",
    "ValidationRecord",
    "Verdict",
    "WindowRecord",
]
