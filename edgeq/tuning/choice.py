"""The end of a search: the front, the choice on it, and the files that tell of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from edgeq import __version__
from edgeq.core.files import write_atomic
from edgeq.report.formats import to_csv, to_json
from edgeq.tuning.folder import RECIPE, trial_folder
from edgeq.tuning.front import find_front, price
from edgeq.tuning.page import render_tune, trial_table
from edgeq.tuning.records import Finalist, Score, TrialRecord, TuneRecord
from edgeq.tuning.search import Search
from edgeq.tuning.trial import MODEL, score_of

JSON, CSV, PAGE = "tune.json", "tune.csv", "tune.html"
CHOSEN_MODEL, CHOSEN_RECIPE = "chosen.tflite", "chosen.toml"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a search left: its record, its page and the chosen model, None where none is fit."""

    record: TuneRecord
    page: Path
    model: Path | None


def conclude(search: Search) -> TuneRecord:
    """Return the record of a search that is over; its finalists are judged on the real judges."""
    setting, plain = search.setting, search.plain
    assert plain.floating is not None
    front = tuple(_finalist(search, trial) for trial in find_front(search.trials))
    chosen, closest = pick(front)
    return TuneRecord(
        model=Path(setting.source).name,
        model_sha256=setting.source_sha256,
        dataset=setting.data,
        board=setting.board_id,
        seed=setting.seed,
        edgeq_version=__version__,
        limits=search.limits,
        float_score=plain.floating,
        trials=tuple(search.trials),
        front=front,
        chosen=chosen,
        closest=closest,
        layers=search.layers.ranked,
    )


def pick(front: Sequence[Finalist]) -> tuple[int | None, int | None]:
    """Return the place of the cheapest finalist that meets the limits, else that of the closest."""
    meeting = [place for place, finalist in enumerate(front) if finalist.excess == 0]
    if meeting:
        return min(meeting, key=lambda place: front[place].price), None
    if not front:
        return None, None
    return None, min(range(len(front)), key=lambda place: (front[place].excess, place))


def write_choice(search: Search) -> Choice:
    """Write the record, the table, the page and, where there is one, the chosen model.

    The choice of an earlier search in the folder, with other limits, goes.
    """
    record, folder = conclude(search), search.folder
    for name in (CHOSEN_MODEL, CHOSEN_RECIPE):
        (folder / name).unlink(missing_ok=True)
    write_atomic(folder / JSON, to_json(record))
    write_atomic(folder / CSV, to_csv(trial_table(record)))
    write_atomic(folder / PAGE, render_tune(record).encode())
    model = None
    if record.chosen is not None:
        finalist = record.front[record.chosen]
        model = folder / CHOSEN_MODEL
        write_atomic(folder / CHOSEN_RECIPE, finalist.recipe.encode())
        write_atomic(model, (trial_folder(folder, finalist.trial.key) / MODEL).read_bytes())
    return Choice(record, folder / PAGE, model)


def _finalist(search: Search, trial: TrialRecord) -> Finalist:
    assert trial.costs is not None
    assert search.plain.costs is not None
    folder = trial_folder(search.folder, trial.key)
    search.on_progress("judging the front", None)
    return Finalist(
        trial=trial,
        recipe=(folder / RECIPE).read_text(),
        excess=search.excess(trial),
        price=price(trial.costs, search.plain.costs),
        evaluation=_judge(search, folder / MODEL),
    )


def _judge(search: Search, model: Path) -> Score:
    """Return a finalist's figure on the evaluation split, which the search has not seen."""
    from edgeq.convert.evaluation import evaluate
    from edgeq.data.dataset import load_dataset

    setting = search.setting
    dataset = load_dataset(
        setting.data, data_root=Path(setting.data_root) if setting.data_root else None
    )
    unlabelled = dataset.parts["evaluation"].y is None
    return score_of(
        evaluate(model, dataset, reference=Path(setting.source) if unlabelled else None)
    )
