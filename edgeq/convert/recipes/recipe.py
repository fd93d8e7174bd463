"""The recipe: a TOML file of ordered steps, decoded strictly; docs/recipes.md has every key."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from edgeq.convert.patterns import pattern_problem
from edgeq.convert.quantization.scheme import SCHEMES, Scheme, Scope, parse_scheme
from edgeq.convert.recipes.order import order_problem
from edgeq.convert.recipes.steps import Quantize, Step
from edgeq.core.errors import InputError, did_you_mean
from edgeq.core.files import read_bytes, sha256_hex
from edgeq.core.records import Record

MAX_BYTES = 1 << 16
MAX_STEPS = 50
SHIPPED = Path(__file__).parent / "shipped"
UNKNOWN = re.compile(r"unknown field `([^`]{1,100})`")

Name = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9][a-z0-9_.-]{0,63}\Z")]


class Recipe(Record, frozen=True, kw_only=True):
    """Steps from a float model to a quantised one, in order; `quantize` is the last.

    `seed` draws weights, shuffles and augmentation where the command gives no other.
    """

    schema: Literal[1] = 1
    name: Name
    about: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    seed: Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)] = 0
    steps: Annotated[tuple[Step, ...], msgspec.Meta(min_length=1, max_length=MAX_STEPS)]

    @property
    def quantize(self) -> Quantize:
        """The last step: the types of the result."""
        last = self.steps[-1]
        assert isinstance(last, Quantize)
        return last


class Written(Record, frozen=True, kw_only=True):
    """A recipe with the text that it was read from, and that text's SHA-256."""

    recipe: Recipe
    text: str
    sha256: str


def list_recipes() -> tuple[Written, ...]:
    """Return the shipped recipes, sorted by name."""
    return tuple(read_recipe(path) for path in sorted(SHIPPED.glob("*.toml"), key=_stem))


def _stem(path: Path) -> str:
    return path.stem


def find_recipe(ref: str) -> Written:
    """Return the shipped recipe of this name, or the one in this TOML file.

    Raises:
        InputError: there is none, or it is wrong.
    """
    known = {path.stem: path for path in sorted(SHIPPED.glob("*.toml"), key=_stem)}
    if ref.endswith(".toml"):
        return read_recipe(Path(ref))
    if ref not in known:
        raise InputError(
            f"no recipe {ref!r}.{did_you_mean(ref, known)}",
            hint=f"name one of {', '.join(known)}, or a recipe file (.toml)",
        )
    return read_recipe(known[ref])


def read_recipe(path: Path) -> Written:
    """Read the recipe at `path`.

    Raises:
        InputError: no TOML, an unknown key, a wrong value or a wrong order; the cause names it.
    """
    data = read_bytes(path, what="recipe", limit=MAX_BYTES)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise _refusal(f"recipe {path}", "it is no UTF-8 text") from error
    return read_text(text, where=f"recipe {path}")


def read_text(text: str, *, where: str = "recipe") -> Written:
    """Return the recipe of a TOML text; see `parse_recipe` for its errors."""
    recipe = parse_recipe(text, where=where)
    return Written(recipe=recipe, text=text, sha256=sha256_hex(text.encode()))


def parse_recipe(text: str, *, where: str = "recipe") -> Recipe:
    """Decode a recipe's TOML.

    Raises:
        InputError: the cause begins with `where` and names the step and the field.
    """
    try:
        recipe = msgspec.toml.decode(text, type=Recipe)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise _refusal(where, _name_step(text) or str(error)) from error
    for place, step in enumerate(recipe.steps, 1):
        for field, problem in _field_problems(step):
            raise _refusal(where, f"step {place} ({kind_of(step)}): {field}: {problem}")
    if wrong := order_problem(recipe.steps):
        raise InputError(f"{where}: {wrong}", hint="docs/recipes.md gives the order of steps")
    return recipe


def scheme_of(step: Quantize) -> Scheme:
    """Return the types that a `quantize` step asks for."""
    scopes = tuple(Scope(scope.layers, SCHEMES[scope.scheme]) for scope in step.scopes)
    plain = parse_scheme(step.scheme, (), step.input_dtype, step.output_dtype)
    return replace(plain, scopes=scopes)


def kind_of(step: Step) -> str:
    """Return what a recipe calls a step."""
    return str(step.__struct_config__.tag)


def patterns_of(step: Step) -> dict[str, str]:
    """Return the expressions on names of layers that a step has, by the fields they stand in."""
    scopes = getattr(step, "scopes", ())
    patterns = {f"scopes[{i}].layers": scope.layers for i, scope in enumerate(scopes)}
    return patterns | ({"layers": step.layers} if hasattr(step, "layers") else {})


def write_recipe(recipe: Recipe) -> str:
    """Return a recipe as TOML, without what is as it would be anyway; `parse_recipe` reads it."""
    import tomlkit

    return tomlkit.dumps(_sparse(recipe))


def _sparse(record: msgspec.Struct) -> dict[str, Any]:
    """Return a record's fields that differ from their defaults, behind its kind."""
    tag = record.__struct_config__.tag
    found: dict[str, Any] = {} if tag is None else {"kind": tag}
    for field in msgspec.structs.fields(record):
        value = getattr(record, field.name)
        if field.name == "schema" or value != field.default:
            found[field.encode_name] = _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _sparse(value)
    return [_plain(v) for v in value] if isinstance(value, tuple) else value


def _field_problems(step: Any) -> Iterator[tuple[str, str]]:
    """Yield the fields of a decoded step whose text is wrong, with the reason."""
    for field, pattern in patterns_of(step).items():
        if problem := pattern_problem(pattern):
            yield field, problem
    for i, pair in enumerate(getattr(step, "features", ())):
        if not all(name.strip() for name in pair.split("=")) or pair.count("=") != 1:
            yield f"features[{i}]", 'write "layer of the student=layer of the teacher"'


def _name_step(text: str) -> str | None:
    """Return what is wrong with the first step that cannot be decoded, None for what is outside."""
    try:
        steps = msgspec.toml.decode(text).get("steps", ())
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    for place, step in enumerate(steps if isinstance(steps, list) else (), 1):
        try:
            msgspec.convert(step, Step)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            kind = step.get("kind") if isinstance(step, dict) else None
            return f"step {place} ({kind or 'no kind'}): {error}"
    return None


def _refusal(where: str, message: str) -> InputError:
    usual = "docs/recipes.md names every key; edgeq recipes show int8 is an example"
    found = UNKNOWN.search(message)
    near = did_you_mean(found[1], _known_keys()) if found else ""
    return InputError(f"{where}: {message}", hint=f"{near} {usual}".strip())


def _known_keys() -> list[str]:
    from edgeq.convert.recipes import steps

    found = (r for r in vars(steps).values() if isinstance(r, type) and issubclass(r, Record))
    records: list[type[Record]] = [*found, Recipe]
    return sorted({key for record in records for key in record.__struct_fields__})
