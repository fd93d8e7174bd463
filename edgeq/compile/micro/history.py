"""When TensorFlow Lite Micro learnt what: operators, types, weights, and which packages carry it.

Source of every row: the commit named in it, read in the history of tensorflow/tflite-micro from
its first commit (2021-04-09) to 90b983c (2026-08-20); of a package, its own history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

# The history starts here: what the first commit had may be older.
START = date(2021, 4, 9)
END = date(2026, 8, 20)


@dataclass(frozen=True, slots=True)
class Change:
    """A commit of tensorflow/tflite-micro: its day, its hash, and its pull request (0: none)."""

    day: date
    commit: str
    pull: int = 0

    def __str__(self) -> str:
        pull = f" (pull request {self.pull})" if self.pull else ""
        return f"tensorflow/tflite-micro {self.commit}{pull}"


def _change(day: str, commit: str, pull: int = 0) -> Change:
    return Change(date.fromisoformat(day), commit, pull)


FIRST = _change("2021-04-09", "a37043ff7", 2)
LAST = _change("2026-08-20", "90b983c2b", 3673)

_SEANET = _change("2021-10-25", "284df73c5", 618)
_FIRST_16X8 = _change("2021-06-23", "c062c1b27", 207)
_VARIABLES = _change("2021-09-07", "26944780f", 482)
_BROADCAST = _change("2022-03-16", "afd41a759", 974)

# Operators that a method of MicroMutableOpResolver registers, by the commit that added it.
OPERATORS: dict[str, Change] = {
    "DEPTH_TO_SPACE": _change("2021-04-21", "5a65a54ce", 15),
    "RESIZE_BILINEAR": _change("2021-04-28", "27eff3c71", 31),
    "GATHER_ND": _change("2021-05-03", "15c609314", 58),
    "IF": _change("2021-05-18", "73c5fa4d2", 79),
    "TRANSPOSE": _change("2021-05-20", "560fd3d1d", 89),
    "GATHER": _change("2021-05-24", "dd3db3d81", 97),
    "SPACE_TO_DEPTH": _change("2021-06-21", "89817c30d", 117),
    "ASSIGN_VARIABLE": _VARIABLES,
    "CALL_ONCE": _VARIABLES,
    "READ_VARIABLE": _VARIABLES,
    "VAR_HANDLE": _VARIABLES,
    "SLICE": _SEANET,
    "MIRROR_PAD": _change("2022-01-03", "873b98c42", 779),
    "BROADCAST_ARGS": _BROADCAST,
    "BROADCAST_TO": _BROADCAST,
    "WHILE": _change("2022-03-17", "359c83a84", 973),
    # The method is older (72abd41fe, 2021-08-11), but had a kernel for one Xtensa core alone.
    "UNIDIRECTIONAL_SEQUENCE_LSTM": _change("2022-04-28", "ceac958de", 1044),
    "DIV": _change("2022-07-20", "32b0fe993", 1263),
    "SUM": _change("2022-07-22", "7257cf16b", 1274),
    "SQUARED_DIFFERENCE": _change("2022-08-05", "8b9d46929"),
    "SELECT_V2": _change("2022-08-17", "286aeb5ff"),
    "LOG_SOFTMAX": _change("2022-10-12", "21ea0a6b3"),
    "EMBEDDING_LOOKUP": _change("2023-07-26", "aa945a0fc", 2148),
    "BATCH_MATMUL": _change("2023-09-06", "5d542d7ed", 2147),
    "REVERSE_V2": _change("2025-07-10", "41a9c8a6c", 3123),
    "REDUCE_MIN": _change("2025-08-05", "3d4cdc19f", 3113),
    "DYNAMIC_UPDATE_SLICE": _change("2025-11-10", "62cbc8e3e", 3246),
    "REDUCE_ALL": _change("2026-01-08", "ef382bdaa", 3269),
    **dict.fromkeys(
        (
            "ABS", "ADD", "ADD_N", "ARG_MAX", "ARG_MIN", "AVERAGE_POOL_2D", "BATCH_TO_SPACE_ND",
            "CAST", "CEIL", "CONCATENATION", "CONV_2D", "COS", "CUMSUM", "DEPTHWISE_CONV_2D",
            "DEQUANTIZE", "ELU", "EQUAL", "EXP", "EXPAND_DIMS", "FILL", "FLOOR", "FLOOR_DIV",
            "FLOOR_MOD", "FULLY_CONNECTED", "GREATER", "GREATER_EQUAL", "HARD_SWISH",
            "L2_NORMALIZATION", "L2_POOL_2D", "LEAKY_RELU", "LESS", "LESS_EQUAL", "LOG",
            "LOGICAL_AND", "LOGICAL_NOT", "LOGICAL_OR", "LOGISTIC", "MAXIMUM", "MAX_POOL_2D",
            "MEAN", "MINIMUM", "MUL", "NEG", "NOT_EQUAL", "PACK", "PAD", "PADV2", "PRELU",
            "QUANTIZE", "REDUCE_MAX", "RELU", "RELU6", "RESHAPE", "RESIZE_NEAREST_NEIGHBOR",
            "ROUND", "RSQRT", "SHAPE", "SIN", "SOFTMAX", "SPACE_TO_BATCH_ND", "SPLIT", "SPLIT_V",
            "SQRT", "SQUARE", "SQUEEZE", "STRIDED_SLICE", "SUB", "SVDF", "TANH", "TRANSPOSE_CONV",
            "UNPACK", "ZEROS_LIKE",
        ),
        FIRST,
    ),
}  # fmt: skip

_POOLS_16 = _change("2023-01-17", "4b0314f25", 1591)
_COMPARED_16 = _change("2025-03-17", "39209b412", 3028)
_ELEMENTWISE_8 = _change("2022-06-17", "b34ced4f1", 1072)
_PACKED_16 = _change("2025-08-20", "7a7a3de09", 3175)
_EXTREMA_16 = _change("2024-09-09", "19aaea85e", 2678)

# The type of an operator's first quantised or float input, where it came later than the operator.
# None: not up to END.
TYPES: dict[tuple[str, str], Change | None] = {
    ("ABS", "int8"): _ELEMENTWISE_8,
    ("RSQRT", "int8"): _ELEMENTWISE_8,
    **{(op, "int8"): None for op in ("CEIL", "COS", "EXP", "FLOOR", "LOG", "ROUND", "SIN",
                                     "SQRT", "SQUARE")},
    ("ABS", "int16"): _ELEMENTWISE_8,
    ("ADD", "int16"): _change("2021-06-26", "95ae9340e", 220),
    ("AVERAGE_POOL_2D", "int16"): _POOLS_16,
    ("CONCATENATION", "int16"): _FIRST_16X8,
    ("CONV_2D", "int16"): _FIRST_16X8,
    ("DEPTHWISE_CONV_2D", "int16"): _change("2023-08-01", "a7846a175", 2140),
    ("EXPAND_DIMS", "int16"): _change("2024-05-24", "be11bd79e", 2589),
    ("FULLY_CONNECTED", "int16"): _change("2022-05-11", "b0afe2890", 1026),
    ("LEAKY_RELU", "int16"): _FIRST_16X8,
    ("LOGISTIC", "int16"): _change("2021-12-21", "6b82d6aca", 815),
    ("MAXIMUM", "int16"): _EXTREMA_16,
    ("MAX_POOL_2D", "int16"): _POOLS_16,
    ("MEAN", "int16"): _change("2021-07-23", "5124fe335", 250),
    ("MINIMUM", "int16"): _EXTREMA_16,
    ("MUL", "int16"): _change("2022-12-20", "3e7d66cc8"),
    ("PACK", "int16"): _PACKED_16,
    ("PAD", "int16"): _SEANET,
    ("PADV2", "int16"): _SEANET,
    ("PRELU", "int16"): _change("2025-09-09", "aa6e62517", 3191),
    ("RELU", "int16"): _change("2025-03-21", "b78bb7e31", 2727),
    ("RELU6", "int16"): _change("2024-09-26", "ef2179ce0", 2682),
    ("RESIZE_NEAREST_NEIGHBOR", "int16"): _SEANET,
    ("RSQRT", "int16"): _change("2023-03-02", "cf34a2a60", 1753),
    ("SQUARED_DIFFERENCE", "int16"): _change("2023-03-06", "a4dc63912", 1754),
    ("STRIDED_SLICE", "int16"): _FIRST_16X8,
    ("SUB", "int16"): _FIRST_16X8,
    ("TRANSPOSE", "int16"): _COMPARED_16,
    ("TRANSPOSE_CONV", "int16"): _FIRST_16X8,
    ("UNPACK", "int16"): _COMPARED_16,
    **{(op, "int16"): _COMPARED_16 for op in ("EQUAL", "GREATER", "GREATER_EQUAL", "LESS",
                                              "LESS_EQUAL", "NOT_EQUAL")},
    **{(op, "int16"): None for op in (
        "ARG_MAX", "ARG_MIN", "BATCH_TO_SPACE_ND", "CUMSUM", "DEPTH_TO_SPACE", "DIV", "ELU",
        "GATHER", "HARD_SWISH", "L2_NORMALIZATION", "LOG_SOFTMAX", "NEG", "RESIZE_BILINEAR",
        "SPACE_TO_BATCH_ND", "SPACE_TO_DEPTH")},
}  # fmt: skip

INT4_WEIGHTS: dict[str, Change] = {
    "CONV_2D": _change("2022-10-14", "df704e135"),
    "DEPTHWISE_CONV_2D": _change("2022-11-23", "4f253e217"),
    "FULLY_CONNECTED": _change("2022-11-23", "4f253e217"),
}

# FULLY_CONNECTED with a scale for each channel: first the single scale was applied to all, then
# it was refused, then it was computed.
PER_CHANNEL_REFUSED = _change("2024-05-29", "71fba59b5", 2602)
PER_CHANNEL_COMPUTED = _change("2024-09-27", "47b545074", 2673)
PER_CHANNEL_COMPUTED_16X8 = _COMPARED_16

INT32_BIAS_16X8 = _change("2022-04-29", "b52e0f65c", 1076)

# Without a bias, int16 products were summed in 32 bits, which fewer than this many cannot overflow:
# 2^31 / (2^15 * 2^7).
SUMMED_IN_64_BITS_16X8 = _change("2026-06-16", "7ca66d18e", 3598)
SUM_LIMIT_16X8 = 512


@dataclass(frozen=True, slots=True)
class Release:
    """A package that carries TensorFlow Lite Micro as upstream had it on `day`."""

    package: str
    version: str
    day: date
    source: str


def _esp(version: str, day: str, commit: str) -> Release:
    source = f"espressif/esp-tflite-micro {commit}, synchronised with upstream"
    return Release("esp-tflite-micro", version, date.fromisoformat(day), source)


def _zephyr(version: str, day: str, base: str) -> Release:
    source = f"zephyrproject-rtos/tflite-micro {version}, from upstream {base}"
    return Release("zephyr", version, date.fromisoformat(day), source)


ARDUINO = "arduino-tensorflowlite"
# Before the history: TensorFlow 2.4, of December 2020.
ARDUINO_DAY = date(2020, 12, 14)

RELEASES: tuple[Release, ...] = (
    Release(ARDUINO, "2.4.0-alpha", ARDUINO_DAY, "TensorFlow 2.4, released on 2020-12-14"),
    _esp("1.0.0", "2023-08-21", "cc35df2"),
    _esp("1.1.0", "2023-10-02", "858b62d"),
    _esp("1.2.0", "2023-10-02", "858b62d"),
    _esp("1.3.0", "2024-05-06", "d02033b"),
    _esp("1.3.1", "2024-06-03", "0d4d90f"),
    _esp("1.3.2", "2024-10-14", "be48391"),
    _esp("1.3.3", "2025-01-14", "2ff0b3a"),
    _esp("1.3.3.1", "2025-01-14", "2ff0b3a"),
    _esp("1.3.4", "2025-09-01", "3361d33"),
    _esp("1.3.5", "2025-11-17", "7c99842"),
    _esp("1.3.7", "2026-05-11", "9a72a77"),
    _esp("1.3.8", "2026-07-20", "7d57faa"),
    _esp("1.4.0", "2026-07-20", "7d57faa"),
    _zephyr("zephyr-202108023", "2021-07-28", "e87305ee5"),
    _zephyr("zephyr-20230809", "2023-06-30", "13cd6d824"),
    _zephyr("zephyr-20240627", "2024-05-29", "71fba59b5"),
)

# Upstream computes FULLY_CONNECTED with a scale for each channel since PER_CHANNEL_COMPUTED, but
# ESP-NN's kernel took one scale for all until this day.
ESP_PER_CHANNEL = date(2025, 9, 1)
ESP_PER_CHANNEL_SOURCE = "espressif/esp-tflite-micro 312a65a (pull request 109)"

# Since then it has a kernel; on ESP32-S3 that one is for sizes that are multiples of 8.
ESP_MULTIPLE = 8
ESP_MULTIPLE_SOURCE = "espressif/esp-nn issue 34, open on 2026-08-11"

# Operators that Arduino_TensorFlowLite 2.4.0-ALPHA does not have, as its users found.
ARDUINO_MISSING = {
    "RESIZE_BILINEAR": "tensorflow/tensorflow issue 49207",
    "SPACE_TO_BATCH_ND": "tensorflow/tflite-micro issue 496",
}


# Commits of Zephyr's module that a manifest (west.yml) names, by the upstream they are built on.
ZEPHYR_COMMITS = {
    "9156d050": date(2021, 7, 28),
    "1a34dcab": date(2023, 6, 30),
    "e1eecbee": date(2024, 5, 29),
}


def commits() -> dict[str, date]:
    """Return the day of every commit that a row names, and of those of Zephyr's module."""
    changes = (
        FIRST,
        LAST,
        *OPERATORS.values(),
        *(c for c in TYPES.values() if c is not None),
        *INT4_WEIGHTS.values(),
        PER_CHANNEL_REFUSED,
        PER_CHANNEL_COMPUTED,
        INT32_BIAS_16X8,
        SUMMED_IN_64_BITS_16X8,
    )
    return {**{c.commit: c.day for c in changes}, **ZEPHYR_COMMITS}
