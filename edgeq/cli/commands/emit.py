"""edgeq emit"""

from __future__ import annotations

from edgeq.cli import options as opt


def emit(model: opt.Int8Model, out: opt.OutFolder, name: opt.Name = None) -> None:
    """The TFLite Micro way: an aligned C array, a header, and the op resolver for this model."""
    from edgeq import api
    from edgeq.cli.console import say

    for path in api.emit(model, out=out, name=name):
        say(f"wrote {path}")
