"""Passes over the graph before it is lowered: each gives the same outputs with less to compute."""

from edgeq.compile.passes.rewriting import total_macs as total_macs
from edgeq.compile.passes.table import PASSES as PASSES
from edgeq.compile.passes.table import repeat_passes as repeat_passes
from edgeq.compile.passes.table import run_passes as run_passes
