"""Hostile strings in every place of the command line are refused, and never run or written."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from edgeq.cli.app import run
from edgeq.core import processes
from edgeq.core.errors import UsageError
from edgeq.device.ports import check_port
from edgeq.graph.writer import write_graph
from tests.support.hostile import CANARY, HOSTILE
from tests.support.small_cnn import small_cnn

REFUSED = (2, 3, 5)
# MODEL and OUT stand for a sound model and a fresh folder, X for the string.
PLACES: Mapping[str, tuple[str, ...]] = {
    "flash: port": ("flash", "MODEL", "--board", "nucleo-l4r5zi", "--port", "X"),
    "flash: board": ("flash", "MODEL", "--board", "X", "--dry-run"),
    "flash: model": ("flash", "X", "--board", "virt-m4", "--dry-run"),
    "bench: port": ("bench", "MODEL", "--board", "virt-m4", "--port", "X"),
    "bench: host": ("bench", "MODEL", "--board", "virt-m4", "--port", "socket://X:1"),
    "bench: remote": ("bench", "MODEL", "--board", "virt-m4", "--port", "rfc2217://X:1"),
    "bench: board": ("bench", "MODEL", "--board", "X"),
    "bench: board file": ("bench", "MODEL", "--board", "X.toml"),
    "bench: model": ("bench", "X", "--board", "virt-m4"),
    "bench: input": ("bench", "MODEL", "--board", "virt-m4", "--input", "X"),
    "build: board": ("build", "MODEL", "--board", "X", "--out", "OUT"),
    "build: model": ("build", "X", "--board", "virt-m4", "--out", "OUT"),
    "build: toolchain": ("build", "MODEL", "-b", "virt-m4", "--toolchain", "X", "--out", "OUT"),
    "emit: model": ("emit", "X", "--out", "OUT"),
    "boards show": ("boards", "show", "X"),
    "boards check": ("boards", "check", "X"),
    "validate: port": ("validate", "MODEL", "--board", "virt-m4", "--port", "X"),
    "validate: board": ("validate", "MODEL", "--board", "X"),
    "validate: model": ("validate", "X", "--board", "virt-m4"),
    "validate: data": ("validate", "MODEL", "--board", "virt-m4", "--data", "X"),
    "report: folder": ("report", "X"),
    "flash: folder": ("flash", "--app", "X", "--board", "nucleo-l4r5zi"),
    "export: model": ("export", "X", "--as", "folder", "--out", "OUT"),
    "export: board": ("export", "MODEL", "--as", "folder", "--board", "X", "--out", "OUT"),
    "doctor: board": ("doctor", "--board", "X"),
}  # fmt: skip


@pytest.fixture(name="desk")
def _desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder, three deep, with a model; the process stands in it."""
    desk = tmp_path / "a" / "b" / "desk"
    desk.mkdir(parents=True)
    (desk / "small.tflite").write_bytes(write_graph(small_cnn()))
    monkeypatch.chdir(desk)
    return desk


@pytest.fixture(name="started")
def _started(monkeypatch: pytest.MonkeyPatch) -> list[Sequence[str]]:
    """Return the argv of every process that is started from here on."""
    seen: list[Sequence[str]] = []
    start = processes.start

    def record(argv: Sequence[str], **options: object) -> object:
        seen.append(argv)
        return start(argv, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(processes, "start", record)
    return seen


def _tree(folder: Path) -> dict[str, str]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {str(p): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def _line(words: Sequence[str], hostile: str) -> list[str]:
    values = {"MODEL": "small.tflite", "OUT": "out"}
    return [values.get(w, w.replace("X", hostile) if "X" in w else w) for w in words]


def _raw_controls(text: str) -> Iterator[str]:
    return (c for c in text if not c.isprintable() and c != "\n")


@pytest.mark.parametrize("place", PLACES)
def test_a_hostile_string_is_refused_in_every_place(
    place: str, desk: Path, started: list[Sequence[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    root = desk.parents[2]
    before = _tree(root)
    for hostile in HOSTILE:
        if hostile == "COM1" and "://" in str(PLACES[place]):
            continue  # may be the name of a host
        code = run(_line(PLACES[place], hostile))
        out, err = capsys.readouterr()
        assert code in REFUSED, (hostile[:80], code, err[:300])
        assert "Traceback" not in err
        assert not list(_raw_controls(out + err)), (hostile[:80], err[:300])
        assert not any(hostile in argv[0] for argv in started), hostile[:80]
    assert _tree(root) == before
    assert not (desk / CANARY).exists()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_name_becomes_an_identifier_or_is_refused(
    hostile: str, desk: Path, started: list[Sequence[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (["emit"], ["compile"], ["export", "--as", "zephyr"]):
        before = _tree(desk.parents[2])
        code = run([*command, "small.tflite", "--name", hostile, "--out", f"out-{command[0]}"])
        new = _tree(desk.parents[2]).keys() - before.keys()
        assert code in (0, *REFUSED), capsys.readouterr().err
        assert all(Path(p).is_relative_to(desk / f"out-{command[0]}") for p in new)
        assert all(re.fullmatch(r"[A-Za-z0-9_.-]+", Path(p).name) for p in new)
    assert not list(_raw_controls(capsys.readouterr().err))
    assert not started


# Three name a folder of the system, which a user may mean.
@pytest.mark.parametrize("hostile", [h for h in HOSTILE if not h.startswith(("/", "../../../"))])
def test_a_hostile_output_folder_is_that_folder_or_none(
    hostile: str, desk: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = _tree(desk.parents[2])
    code = run(["emit", "small.tflite", "--out", hostile])
    new = _tree(desk.parents[2]).keys() - before.keys()
    assert code in (0, *REFUSED)
    assert "Traceback" not in capsys.readouterr().err
    if code:
        assert not new
    else:
        assert all(Path(p).is_relative_to((desk / hostile).resolve()) for p in new)
    assert not (desk / CANARY).exists()


@pytest.mark.parametrize("hostile", [h for h in HOSTILE if "/" not in h and "\0" not in h])
def test_a_model_of_a_hostile_name_compiles_to_plain_code(
    hostile: str, desk: Path, started: list[Sequence[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    model = desk / (hostile[:200] + ".tflite")
    model.write_bytes((desk / "small.tflite").read_bytes())
    for command in (["inspect", f"./{model.name}"], ["compile", f"./{model.name}", "--out", "out"]):
        assert run(command) == 0, capsys.readouterr().err
        out, err = capsys.readouterr()
        assert not list(_raw_controls(out + err))
    assert all(p.read_text().isascii() for p in (desk / "out").rglob("*.c"))
    assert not started
    assert not (desk / CANARY).exists()


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_port_is_never_opened(hostile: str) -> None:
    ports = [hostile, f"loop://{hostile}"]
    if not hostile.isalnum() or len(hostile) > 253:  # COM1 may be the name of a host
        ports += [f"socket://{hostile}:1", f"rfc2217://{hostile}:1"]
    for port in ports:
        with pytest.raises(UsageError):
            check_port(port)
