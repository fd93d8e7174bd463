"""One file a command; this table names them all. Heavy imports happen inside the functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from edgeq.cli.commands.bench import bench
from edgeq.cli.commands.boards import (
    check_boards,
    list_boards,
    list_ports,
    new_board,
    serve_board,
    show_board,
    show_schema,
)
from edgeq.cli.commands.build import build
from edgeq.cli.commands.calibrate_compare import calibrate_compare
from edgeq.cli.commands.check import check
from edgeq.cli.commands.compile import compile_
from edgeq.cli.commands.convert import convert
from edgeq.cli.commands.data import get_data, list_data, show_data
from edgeq.cli.commands.demo import demo
from edgeq.cli.commands.deploy import deploy
from edgeq.cli.commands.doctor import doctor
from edgeq.cli.commands.emit import emit
from edgeq.cli.commands.energy import energy
from edgeq.cli.commands.estimate import estimate
from edgeq.cli.commands.evaluate import evaluate
from edgeq.cli.commands.examples import list_examples, train_example
from edgeq.cli.commands.export import export
from edgeq.cli.commands.fit import fit
from edgeq.cli.commands.flash import flash
from edgeq.cli.commands.inspect import inspect
from edgeq.cli.commands.meters import list_meters, record_meter
from edgeq.cli.commands.mlperf import check_mlperf, run_mlperf
from edgeq.cli.commands.recipes import list_recipes, show_recipe
from edgeq.cli.commands.report import report
from edgeq.cli.commands.sensitivity import sensitivity
from edgeq.cli.commands.sweep import sweep
from edgeq.cli.commands.tune import tune
from edgeq.cli.commands.validate import validate

Command = Callable[..., Any]

COMMANDS: dict[str, Command] = {
    "demo": demo,
    "deploy": deploy,
    "convert": convert,
    "evaluate": evaluate,
    "calibrate-compare": calibrate_compare,
    "tune": tune,
    "sensitivity": sensitivity,
    "inspect": inspect,
    "fit": fit,
    "estimate": estimate,
    "compile": compile_,
    "emit": emit,
    "export": export,
    "build": build,
    "flash": flash,
    "bench": bench,
    "energy": energy,
    "validate": validate,
    "check": check,
    "report": report,
    "sweep": sweep,
    "doctor": doctor,
}

GROUPS: dict[str, tuple[str, dict[str, Command]]] = {
    "boards": (
        "List, show and check board profiles.",
        {
            "list": list_boards,
            "show": show_board,
            "check": check_boards,
            "new": new_board,
            "ports": list_ports,
            "serve": serve_board,
            "schema": show_schema,
        },
    ),
    "data": (
        "List, show and get datasets.",
        {"list": list_data, "show": show_data, "get": get_data},
    ),
    "recipes": (
        "List and show recipes of quantisation.",
        {"list": list_recipes, "show": show_recipe},
    ),
    "examples": (
        "List the examples' networks and train one.",
        {"list": list_examples, "train": train_example},
    ),
    "meters": (
        "List power meters and record with one.",
        {"list": list_meters, "record": record_meter},
    ),
    "mlperf": (
        "Run MLPerf Tiny, and check what is submitted.",
        {"run": run_mlperf, "check": check_mlperf},
    ),
}
