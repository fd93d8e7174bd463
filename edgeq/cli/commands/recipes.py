"""edgeq recipes list, show"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from edgeq.cli import options as opt

RecipeRef = Annotated[str, typer.Argument(help="A recipe's name, or the path of its TOML file.")]


def list_recipes(form: opt.OutputFormat = opt.Format.text) -> None:
    """Every recipe that comes with edgeq: its steps, and what it is for."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.recipes import recipes_tables

    recipes = api.list_recipes()
    show(recipes, lambda: recipes_tables(recipes), form)


def show_recipe(recipe: RecipeRef, form: opt.OutputFormat = opt.Format.text) -> None:
    """One recipe as TOML, to be copied and changed; a file is checked."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.recipes import recipes_tables

    found = api.find_recipe(recipe)
    if form is opt.Format.text:
        sys.stdout.write(found.text)
    else:
        show(found, lambda: recipes_tables((found,)), form)
