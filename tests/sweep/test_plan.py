"""A plan has every combination once, in order, under keys of content alone."""

from __future__ import annotations

import fnmatch
import shutil
import tempfile
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgeq.core.files import shipped_folder
from edgeq.sweep import plan as planning
from edgeq.sweep.plan import SweepPlan, content_key, plan_sweep
from tests.support.sweeps import write_sweep
from tests.support.texts import edited

BOARDS = ("virt-m0plus", "virt-m3", "virt-m33", "virt-m4", "virt-m7")
OPTIONS = '[[options]]\nname = "a"\n[[options]]\nname = "b"\nruns = 3'
names = st.sampled_from(["*", "net0", "net1", "virt-m3", "virt-m3*", "virt-*", "a", "b", "-"])
rules = st.lists(
    st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("model", "board", "options", "scheme"), names)
    ),
    max_size=4,
)


def combinations(plan: SweepPlan) -> list[tuple[str, str, str]]:
    return [(c.model, c.board, c.options) for c in plan.cells]


@settings(max_examples=40, deadline=None)
@given(rules, st.lists(st.sampled_from(BOARDS), min_size=1, max_size=5, unique=True))
def test_the_plan_is_the_product_without_what_is_excluded(
    excluded: list[dict[str, str]], boards: list[str]
) -> None:
    lines = (
        "[[exclude]]\n" + "\n".join(f'{k} = "{v}"' for k, v in rule.items()) for rule in excluded
    )
    wanted = [
        (model, board, options)
        for model, board, options in product(("net0", "net1"), boards, ("a", "b"))
        if not any(_hits(rule, model, board, options) for rule in excluded)
    ]
    with tempfile.TemporaryDirectory() as name:
        body = OPTIONS + "\n" + "\n".join(lines)
        path = write_sweep(Path(name), body, models=2, action="fit", boards=" ".join(boards))
        if not wanted:
            with pytest.raises(planning.InputError, match="every cell is excluded"):
                plan_sweep(path)
            return
        assert combinations(plan_sweep(path)) == wanted


def _hits(rule: dict[str, str], model: str, board: str, options: str) -> bool:
    cell = {"model": model, "board": board, "options": options, "scheme": "-"}
    return all(fnmatch.fnmatchcase(cell[k], pattern) for k, pattern in rule.items())


def test_patterns_and_aliases_give_each_board_once_in_order(tmp_path: Path) -> None:
    body = '[aliases]\nlarge = ["virt-m7", "virt-m33"]'
    path = write_sweep(tmp_path, body, action="fit", boards="large virt-m3* virt-m7")
    assert [c.board for c in plan_sweep(path).cells] == ["virt-m7", "virt-m33", "virt-m3"]


def test_a_profile_beside_the_manifest_is_a_board(tmp_path: Path) -> None:
    text = (shipped_folder("boards") / "virt-m4.toml").read_text()
    path = write_sweep(tmp_path, action="fit", boards="mine.toml virt-m4")
    (tmp_path / "mine.toml").write_text(edited(text, 'id = "virt-m4"', 'id = "mine"'))
    plan = plan_sweep(path)
    assert [c.board for c in plan.cells] == ["mine", "virt-m4"]
    assert len({c.key for c in plan.cells}) == 2


def test_an_exclusion_that_matches_nothing_is_said(tmp_path: Path) -> None:
    plan = plan_sweep(write_sweep(tmp_path, '[[exclude]]\nboard = "virt-m9"'))
    assert plan.notes == ("the exclude rule 1 matches no cell",)


def test_what_an_action_does_not_read_makes_no_other_work(tmp_path: Path) -> None:
    for action, tasks in (("fit", 1), ("estimate", 1), ("bench", 3), ("validate", 2)):
        plan = plan_sweep(write_sweep(tmp_path, OPTIONS, action=action))
        assert len(plan.cells) == 2
        # bench: one firmware and two cells; validate: one firmware, and one cell for both.
        assert len(plan.tasks) == tasks, action


def test_every_task_stands_after_what_it_needs(tmp_path: Path) -> None:
    plan = plan_sweep(write_sweep(tmp_path, OPTIONS, models=2, boards="virt-*"))
    order = {key: i for i, key in enumerate(plan.tasks)}
    assert all(order[n] < order[t.key] for t in plan.tasks.values() for n in t.needs)


def test_keys_depend_on_content_and_not_on_places_or_names(tmp_path: Path) -> None:
    first = plan_sweep(write_sweep(tmp_path / "a", OPTIONS))
    assert [c.key for c in plan_sweep(tmp_path / "a" / "sweep.toml").cells] == [
        c.key for c in first.cells
    ]
    shutil.copytree(tmp_path / "a", tmp_path / "elsewhere")
    renamed = tmp_path / "elsewhere" / "sweep.toml"
    renamed.write_text(edited(renamed.read_text(), 'path = "net0', 'name = "other"\npath = "net0'))
    assert [c.key for c in plan_sweep(renamed).cells] == [c.key for c in first.cells]


def test_keys_differ_where_content_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def key(body: str = "", board: str = "virt-m4", action: str = "bench") -> str:
        path = write_sweep(tmp_path, body, boards=board, action=action)
        return plan_sweep(path).cells[0].key

    option = '[[options]]\nname = "a"\n'
    keys = [
        key(),
        key(board="virt-m3"),
        key(action="validate"),
        *(key(option + line) for line in (
            'input = "lcg:2"', "runs = 3", "warmup = 0", "layers = true", "stack_bytes = 8448",
            'toolchain = "zig"', 'oracle = "tflite-micro"', 'optimize = "ram"',
        )),
    ]  # fmt: skip
    path = write_sweep(tmp_path)
    (tmp_path / "net0.tflite").write_bytes((tmp_path / "net0.tflite").read_bytes() + b"\0")
    keys.append(plan_sweep(path).cells[0].key)
    monkeypatch.setattr(planning, "__version__", "99")
    keys.append(key())
    assert len(set(keys)) == len(keys)


@given(st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=5), max_size=5))
def test_the_order_of_content_makes_no_key(content: dict[str, int | str]) -> None:
    turned = dict(reversed(content.items()))
    assert content_key("fit", whole=content) == content_key("fit", whole=turned)


def test_a_board_with_an_interpreter_needs_no_firmware_and_reads_its_own_options(
    tmp_path: Path,
) -> None:
    body = '[[options]]\nname = "a"\n[[options]]\nname = "b"\nthreads = 2'
    plan = plan_sweep(write_sweep(tmp_path, body, boards="local virt-m4"))
    assert [task.kind for task in plan.tasks.values()] == ["bench", "bench", "build", "bench"]
    here = plan.tasks[plan.cells[0].key]
    assert (here.needs, here.lane, here.alone) == ((), "local", True)
