"""edgeq inspect"""

from __future__ import annotations

from edgeq.cli import options as opt


def inspect(model: opt.Model, form: opt.OutputFormat = opt.Format.text) -> None:
    """Operators, shapes, quantisation, MACs, memory over time."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.tables import inspection_tables

    record = api.inspect(model)
    show(record, lambda: inspection_tables(record), form)
