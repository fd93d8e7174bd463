"""The integer compiler: an int8 graph in, standalone C99 out."""

from edgeq.compile.compiler import compile_graph as compile_graph
from edgeq.compile.compiler import computed_graph as computed_graph
