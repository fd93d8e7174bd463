"""The sweep's TOML is decoded strictly: what is wrong is named, and nothing is run."""

from __future__ import annotations

from inspect import signature
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgeq import api
from edgeq.cli.commands.convert import convert
from edgeq.cli.commands.deploy import deploy
from edgeq.convert.conversion import convert_model
from edgeq.core.defaults import BACKEND
from edgeq.core.errors import EdgeqError, InputError
from edgeq.deployment import DeployRequest
from edgeq.sweep.manifest import Scheme, read_sweep
from edgeq.sweep.plan import plan_sweep
from tests.support.sweeps import write_sweep
from tests.support.texts import edited

HOSTILE = {
    "no TOML": ("= [[[", "sweep"),
    "an unknown key": ("toolchian = 1", "unknown field `toolchian`"),
    "an unknown key in a list": ('[[options]]\nname = "a"\nrnus = 1', "unknown field `rnus`"),
    "an option twice": ('[[options]]\nname = "a"\n[[options]]\nname = "a"', "'a' twice"),
    "a name that is a path": ('[[options]]\nname = "../a"', "matching regex"),
    "a name with a line end": ('[[options]]\nname = "a\\nb"', "matching regex"),
    "a toolchain that is none": ('[[options]]\nname = "a"\ntoolchain = "rm"', "Invalid enum"),
    "an input that is none": ('[[options]]\nname = "a"\ninput = "file:x"', "not of the form"),
    "no runs": ('[[options]]\nname = "a"\nruns = 0', ">= 1"),
    "a stack beyond all": ('[[options]]\nname = "a"\nstack_bytes = 99999999999', "<= 16777216"),
    "a time without end": ("[limits]\nseconds = inf", "<= 86400"),
    "a time that is none": ("[limits]\nseconds = nan", "limits.seconds"),
    "a board that is none": ("[aliases]\nvirt-m4 = ['virt-m44']", "no board 'virt-m44'"),
    "a pattern without boards": ("[aliases]\nvirt-m4 = ['zzz-*']", "no board matches"),
    "a profile that is none": ("[aliases]\nvirt-m4 = ['net0.tflite.toml']", "board profile"),
    "a port of no board": ("[attached.virt-m9]", "none of its boards"),
    "a port that is a command": ('[attached.virt-m4]\nport = "spy://x?file=y"', "is not allowed"),
    "a host that is an option": ('[attached.virt-m4]\nhost = "-oProxyCommand=x"', "is no host"),
    "a meter that is none": ('[attached.virt-m4]\nmeter = "ppk9:/dev/x"', "ppk9"),
    "everything excluded": ('[[exclude]]\nmodel = "net*"', "every cell is excluded"),
    "a scheme that is none": (
        '[[models]]\nname = "b"\npath = "net0.tflite"\nschemes = ["int9"]', "scheme 'int9'"
    ),
    "a model twice": ('[[models]]\npath = "net0.tflite"', "'net0' twice"),
    "a model that is not there": ('[[models]]\npath = "away.tflite"', "away.tflite"),
    "a folder of models": ('[[models]]\nname = "b"\npath = "."', "is quantised, but has no data"),
    "a model without data": (
        '[[models]]\nname = "b"\npath = "net0.tflite"\nschemes = ["int8"]', "has no data"
    ),
    "a .tflite for the converter": (
        '[[schemes]]\nname = "t"\nbackend = "tflite"\n[[models]]\nname = "b"\n'
        'path = "net0.tflite"\nschemes = ["t"]\ndata = "synthetic:1x8x8x1"',
        "tflite does not quantise",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_wrong_is_refused_by_name(what: str, tmp_path: Path) -> None:
    body, cause = HOSTILE[what]
    path = write_sweep(tmp_path, body)
    with pytest.raises(EdgeqError) as caught:
        plan_sweep(path)
    assert cause in caught.value.cause
    assert caught.value.exit_code in (2, 3)
    assert caught.value.hint


def test_a_wrong_key_gets_the_nearest_right_one(tmp_path: Path) -> None:
    with pytest.raises(InputError) as caught:
        read_sweep(write_sweep(tmp_path, '[[options]]\nname = "a"\ntolchain = "zig"'))
    assert "Did you mean toolchain" in caught.value.hint


def test_a_schema_of_tomorrow_is_refused(tmp_path: Path) -> None:
    path = write_sweep(tmp_path)
    path.write_text(edited(path.read_text(), "schema = 1", "schema = 2"))
    with pytest.raises(InputError, match="schema"):
        read_sweep(path)


@pytest.mark.parametrize("field", ["models", "schemes", "boards", "options"])
def test_an_empty_list_is_refused(field: str, tmp_path: Path) -> None:
    path = tmp_path / "sweep.toml"
    lists = {"models": '[{ path = "a.tflite" }]', "boards": '["virt-m4"]', field: "[]"}
    lines = (f"{key} = {value}" for key, value in lists.items())
    path.write_text("\n".join(['schema = 1\nname = "x"', *lines]))
    with pytest.raises(InputError, match=field):
        read_sweep(path)


def test_a_manifest_that_is_no_file_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "away.toml", tmp_path / "a\x00b"):
        with pytest.raises(InputError, match="sweep"):
            read_sweep(path)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_manifest_or_a_named_error(data: bytes) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "sweep.toml"
        path.write_bytes(b'schema = 1\nname = "x"\nboards = ["virt-m4"]\n' + data)
        with pytest.raises(InputError, match="sweep"):
            read_sweep(path)


def test_a_scheme_means_what_convert_means() -> None:
    takers = (convert, deploy, api.convert, convert_model, DeployRequest, Scheme)
    defaults = {signature(taker).parameters["backend"].default for taker in takers}
    assert defaults == {BACKEND}
