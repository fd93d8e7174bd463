"""edgeq data list, show, get"""

from __future__ import annotations

from typing import Annotated

import typer

from edgeq.cli import options as opt

DataRef = Annotated[str, typer.Argument(help="A dataset's name, or the path of its TOML file.")]


def list_data(data_root: opt.DataRoot = None, form: opt.OutputFormat = opt.Format.text) -> None:
    """Every dataset that edgeq knows, and whether its data are there."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.listings import datasets_tables

    datasets = api.list_datasets(data_root=data_root)
    show(datasets, lambda: datasets_tables(datasets), form)


def show_data(
    dataset: DataRef, data_root: opt.DataRoot = None, form: opt.OutputFormat = opt.Format.text
) -> None:
    """One dataset: source, reader, preprocessing, labels, splits, licence."""
    from edgeq import api
    from edgeq.cli.console import show
    from edgeq.report.listings import dataset_tables

    found = api.find_dataset(dataset, data_root=data_root)
    show(found, lambda: dataset_tables(found), form)


def get_data(dataset: DataRef) -> None:
    """Download a dataset that lies at a URL; its SHA-256 must match."""
    from edgeq import api
    from edgeq.cli.console import say

    say(f"{dataset} is at {api.get_dataset(dataset)}")
