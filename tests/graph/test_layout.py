"""The layout equals the schema that LiteRT ships, table by table and field by field."""

from __future__ import annotations

import inspect
import re
from typing import Any

import pytest
from ai_edge_litert import schema_py_generated as schema

from edgeq.graph.layout import ENUMS, SCALARS, UNIONS, Field, camel, tables

PREPEND = {"Bool": "bool", "Float32": "f32", "UOffsetTRelative": None} | {
    f"{sign}int{bits}".replace("uint", "Uint").replace("sint", "Int"): f"{sign[0]}{bits}".replace(
        "s", "i"
    )
    for sign in ("s", "u")
    for bits in (8, 16, 32, 64)
}


class Recorder:
    """Stands for a flatbuffers.Builder and remembers the one call made to it."""

    def __init__(self) -> None:
        self.call: tuple[str, tuple[Any, ...]] = ("", ())

    def __getattr__(self, name: str) -> Any:
        def record(*args: Any) -> None:
            self.call = (name, args)

        return record


def slots(table: str) -> dict[str, tuple[int, str | None]]:
    """Return field -> (slot, scalar or None for an offset) as the generated code writes them."""
    found = {}
    for name, function in vars(schema).items():
        if name.startswith(f"{table}Add") and "builder" in inspect.signature(function).parameters:
            recorder = Recorder()
            function(recorder, 1)
            method, (slot, *_) = recorder.call
            scalar = PREPEND[method.removeprefix("Prepend").removesuffix("Slot")]
            found[name.removeprefix(f"{table}Add")] = (slot, scalar)
    return found


def generated_tables() -> list[str]:
    return [n.removesuffix("Start") for n in vars(schema) if n.endswith("Start")]


def test_every_table_of_the_schema_is_laid_out() -> None:
    assert sorted(tables()) == sorted(generated_tables())


@pytest.mark.parametrize("table", generated_tables())
def test_fields_stand_in_the_slots_of_the_generated_code(table: str) -> None:
    expected = slots(table)
    fields = {upper(f.name): f for f in tables()[table]}
    assert fields.keys() == expected.keys()
    for name, (slot, scalar) in expected.items():
        field = fields[name]
        own = SCALARS.get(ENUMS.get(field.type, field.type))
        assert field.slot == slot
        assert (scalar is None) == (field.is_vector or own is None)
        if scalar is not None:
            assert ENUMS.get(field.type, field.type) == scalar


@pytest.mark.parametrize("table", generated_tables())
def test_offsets_lead_to_what_the_generated_code_reads(table: str) -> None:
    for field in tables()[table]:
        accessor = getattr(getattr(schema, table), upper(field.name))
        source = inspect.getsource(accessor)
        if field.is_vector:
            check_vector(table, field, source)
        elif field.type in UNIONS:
            assert "self._tab.Union(" in source
        elif field.type == "string":
            assert "self._tab.String(" in source
        elif field.type in tables():
            assert f"obj = {field.type}()" in source


def check_vector(table: str, field: Field, source: str) -> None:
    recorder = Recorder()
    getattr(schema, f"{table}Start{upper(field.name)}Vector")(recorder, 1)
    width = SCALARS.get(field.type)
    assert recorder.call[1] == (width or 4, 1, width or 4)
    if width:
        kind = re.search(r"number_types\.(\w+)Flags, a \+", source)
        assert kind is not None
        assert PREPEND[kind[1]] == field.type
    else:
        assert f"obj = {field.type}()" in source


def upper(name: str) -> str:
    attribute = camel(name)
    return attribute[0].upper() + attribute[1:]


@pytest.mark.parametrize("union", UNIONS)
def test_union_codes_are_those_of_the_schema(union: str) -> None:
    members = vars(getattr(schema, union)).items()
    codes = {n: v for n, v in members if isinstance(v, int) and not n.startswith("__")}
    assert codes == {"NONE": 0} | {m: i + 1 for i, m in enumerate(UNIONS[union])}


def test_enumerations_exist_in_the_schema() -> None:
    assert all(hasattr(schema, enum) for enum in ENUMS)


def test_the_object_api_has_an_attribute_for_every_field() -> None:
    for table, fields in tables().items():
        value = getattr(schema, f"{table}T")()
        assert {camel(f.name) for f in fields} == set(vars(value))
