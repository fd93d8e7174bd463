"""The op resolver of a model for TensorFlow Lite Micro: its operators and no others."""

from __future__ import annotations

from edgeq.compile.identifiers import c_identifier
from edgeq.compile.micro.history import OPERATORS
from edgeq.compile.micro.kernels import name_of
from edgeq.core.errors import InputError
from edgeq.graph.ir import Graph

# Methods of MicroMutableOpResolver that are not their operator's name, each word capitalised.
# Source: micro/micro_mutable_op_resolver.h of tensorflow/tflite-micro at 90b983c.
_METHODS = {
    "AVERAGE_POOL_2D": "AveragePool2D",
    "BATCH_MATMUL": "BatchMatMul",
    "CONV_2D": "Conv2D",
    "CUMSUM": "CumSum",
    "DEPTHWISE_CONV_2D": "DepthwiseConv2D",
    "L2_POOL_2D": "L2Pool2D",
    "MAX_POOL_2D": "MaxPool2D",
    "PADV2": "PadV2",
    "UNIDIRECTIONAL_SEQUENCE_LSTM": "UnidirectionalSequenceLSTM",
}

# Custom operators that the resolver has a method for, by the name that the model gives them.
_CUSTOM_METHODS = {
    "CIRCULAR_BUFFER": "CircularBuffer",
    "SignalDelay": "Delay",
    "SignalEnergy": "Energy",
    "SignalFftAutoScale": "FftAutoScale",
    "SignalFilterBank": "FilterBank",
    "SignalFilterBankLog": "FilterBankLog",
    "SignalFilterBankSpectralSubtraction": "FilterBankSpectralSubtraction",
    "SignalFilterBankSquareRoot": "FilterBankSquareRoot",
    "SignalFramer": "Framer",
    "SignalIrfft": "Irfft",
    "SignalOverlapAdd": "OverlapAdd",
    "SignalPCAN": "PCAN",
    "SignalRfft": "Rfft",
    "SignalStacker": "Stacker",
    "SignalWindow": "Window",
    "TFLM_DECODE": "Decode",
    "TFLite_Detection_PostProcess": "DetectionPostprocess",
    "ethos-u": "EthosU",
}


def method_name(op: str) -> str:
    """Return the method of MicroMutableOpResolver that adds a builtin operator.

    Raises:
        KeyError: TensorFlow Lite Micro has no such operator.
    """
    if op not in OPERATORS:
        raise KeyError(op)
    return f"Add{_METHODS.get(op) or ''.join(word.capitalize() for word in op.split('_'))}"


def resolver_header(name: str, graph: Graph) -> str:
    """Return NAME_op_resolver.h, C++: a resolver of the right size and the function that fills it.

    A custom operator that TensorFlow Lite Micro does not know becomes an argument: its
    registration.

    Raises:
        InputError: TensorFlow Lite Micro has no such operator; names it and its index.
    """
    builtin = sorted({_builtin(graph, n.index) for n in graph.nodes if n.op != "CUSTOM"})
    custom = sorted({name_of(n) for n in graph.nodes if n.op == "CUSTOM"})
    known = [f"Add{_CUSTOM_METHODS[op]}()" for op in custom if op in _CUSTOM_METHODS]
    unknown = {op: f"{c_identifier(op)}_registration" for op in custom if op not in _CUSTOM_METHODS}
    added = [f'AddCustom("{_escaped(op)}", {argument})' for op, argument in unknown.items()]
    calls = [f"{method}()" for method in builtin] + known + added
    return _RESOLVER.format(
        name=name,
        macro=name.upper(),
        count=len(calls),
        arguments="".join(f", TFLMRegistration* {a}" for a in unknown.values()),
        calls="\n".join(f"    if (resolver.{c} != kTfLiteOk) return kTfLiteError;" for c in calls),
    )


def _builtin(graph: Graph, index: int) -> str:
    op = graph.nodes[index].op
    try:
        return method_name(op)
    except KeyError:
        raise InputError(
            f"{graph.name}: operators[{index}]: TensorFlow Lite Micro has no operator {op}",
            hint="replace it in the model; docs/tflm.md lists the operators that it has",
        ) from None


def _escaped(text: str) -> str:
    plain = (chr(b) if 32 <= b < 127 and chr(b) not in '"\\?' else f"\\{b:03o}"
             for b in text.encode())  # fmt: skip
    return "".join(plain)


_RESOLVER = """\
// The operators of {name} and no others, for TensorFlow Lite Micro (C++).
#ifndef {macro}_OP_RESOLVER_H
#define {macro}_OP_RESOLVER_H

#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

using {name}_op_resolver = tflite::MicroMutableOpResolver<{count}>;

inline TfLiteStatus {name}_add_operators({name}_op_resolver& resolver{arguments})
{{
{calls}
    return kTfLiteOk;
}}

#endif
"""
