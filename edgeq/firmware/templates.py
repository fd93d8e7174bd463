"""Rendering: the jinja2 templates of firmware_templates/, sandboxed and strict about names."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any


def make_renderer(names: Mapping[str, Any]) -> Callable[[str], str]:
    """Return a function that renders a template's text with `names`."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import SandboxedEnvironment

    environment = SandboxedEnvironment(
        undefined=StrictUndefined, keep_trailing_newline=True, autoescape=False
    )
    environment.filters["hex"] = lambda value: f"0x{value:08x}"
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=True)
    return lambda text: environment.from_string(text).render(names)
