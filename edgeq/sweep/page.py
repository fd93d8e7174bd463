"""The page of a sweep."""
from edgeq.sweep.records import SweepRecord
def render_sweep(record: SweepRecord) -> str:
    return ""
