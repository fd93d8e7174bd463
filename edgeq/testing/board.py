"""A board under test: what was built and measured for it, kept."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edgeq.bench.preparation import Prepared
    from edgeq.core.records import Result, ValidationRecord
    from edgeq.firmware.fit import FitReport

Model = str | Path


class EdgeBoard:
    """A board that compiles and builds each model once, whatever is asked of it.

    Nothing is tried twice: a board that answers only the second time does not work.

    Args:
        board: a board's id, or the path of its TOML file.
        folder: where firmware is built.
        port: of a real board; None finds it.
        meter: measures energy, as `edgeq bench --meter` names it; None estimates it where the
            board's profile has power figures.
    """

    def __init__(
        self,
        board: str,
        folder: Path,
        *,
        port: str | None = None,
        toolchain: str | None = None,
        meter: str | None = None,
    ) -> None:
        self.id = board
        self.port = port
        self._folder = folder
        self._toolchain = toolchain
        self._meter = meter
        self._ready: dict[str, Prepared] = {}
        self._results: dict[str, Result] = {}

    def __repr__(self) -> str:
        return f"EdgeBoard({self.id!r})"

    def fit(self, model: Model, *, flash: str | None = None, ram: str | None = None) -> FitReport:
        """Estimate whether the firmware fits the board, and into what `flash` and `ram` leave it.

        Args:
            flash: the most for the whole firmware, e.g. '64k'.
            ram: the most with stack and buffers, e.g. '16k'.
        """
        from edgeq import api
        from edgeq.core.units import parse_bytes

        return api.fit(
            Path(model),
            board=self.id,
            flash=None if flash is None else parse_bytes(flash, what="flash"),
            ram=None if ram is None else parse_bytes(ram, what="ram"),
        )

    def bench(
        self, model: Model, *, runs: int = 10, warmup: int = 1, layers: bool = False
    ) -> Result:
        """Measure the model now, with the input lcg:1."""
        from edgeq import api
        from edgeq.bench.inputs import generate_input
        from edgeq.bench.linux.options import runs_interpreter
        from edgeq.bench.runs import run_bench

        meter = api.MeterRequest(self._meter) if self._meter else None
        if runs_interpreter(api.find_board(self.id)):
            return api.bench(
                Path(model), board=self.id, runs=runs, warmup=warmup, layers=layers, meter=meter
            )
        ready = self._prepare(model)
        return run_bench(
            ready,
            generate_input(ready.compiled.plan.inputs, 1),
            runs=runs,
            warmup=warmup,
            layers=layers,
            port=self.port,
            meter=meter,
        )

    def result(self, model: Model) -> Result:
        """Return the model's result; it is measured at the first call."""
        key = _fingerprint(model)
        if key not in self._results:
            self._results[key] = self.bench(model)
        return self._results[key]

    def validate(
        self, model: Model, *, data: str | None = None, samples: int = 100, seeds: int = 8
    ) -> ValidationRecord:
        """Compare the board's outputs with the oracle's, for samples of `data` and for `seeds`."""
        from edgeq.bench.runs import collect_inputs, run_validation
        from edgeq.data.dataset import load_dataset

        ready = self._prepare(model)
        dataset = load_dataset(data) if data else None
        inputs = collect_inputs(ready.compiled.plan, dataset, samples=samples, seeds=seeds)
        return run_validation(ready, inputs, port=self.port)

    def _prepare(self, model: Model) -> Prepared:
        from edgeq.api import find_board
        from edgeq.bench.preparation import prepare

        key = _fingerprint(model)
        if key not in self._ready:
            profile, folder = find_board(self.id), self._folder / key[:16]
            self._ready[key] = prepare(Path(model), profile, folder, toolchain=self._toolchain)
        return self._ready[key]


def _fingerprint(model: Model) -> str:
    """Return a name for the model as it now is: of its file's name and its bytes."""
    from edgeq.core.files import read_bytes

    data = read_bytes(Path(model), what="model")
    return hashlib.sha256(Path(model).name.encode() + b"\0" + data).hexdigest()
