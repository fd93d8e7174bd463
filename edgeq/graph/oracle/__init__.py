"""An int8 graph computed in numpy, bit-exact with TensorFlow Lite Micro.

An implementation of its own: it shares no arithmetic with the generated C and needs no runtime.
"""

from edgeq.graph.oracle.interpreter import Oracle, OracleRun, resolved

__all__ = ["Oracle", "OracleRun", "resolved"]
