"""The typer application: commands from one table, and errors turned into exit codes."""

from __future__ import annotations

import functools
import itertools
import os
import sys
from collections.abc import Callable
from typing import Annotated, Any

import typer

from edgeq import __version__
from edgeq.cli.commands import COMMANDS, GROUPS
from edgeq.core.errors import EdgeqError, InternalError, UsageError

INTERRUPTED = 130


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"edgeq {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """From a TensorFlow/Keras model to a measured microcontroller."""


def build_app() -> typer.Typer:
    """Return the application with every command of the table."""
    app = typer.Typer(
        name="edgeq",
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # plain help starts in half the time
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_root)
    for name, command in COMMANDS.items():
        app.command(name)(_speaking(command))
    for name, (summary, commands) in GROUPS.items():
        group = typer.Typer(help=summary, rich_markup_mode=None)
        for verb, command in commands.items():
            group.command(verb)(_speaking(command))
        app.add_typer(group, name=name)
    return app


class _Interrupted(Exception):
    """Ctrl-C on its way through typer, which would leave with 130 and without a word."""


def _speaking(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return the command; Ctrl-C gets out of it with what it says was kept."""

    @functools.wraps(command)
    def call(*arguments: Any, **options: Any) -> Any:
        try:
            return command(*arguments, **options)
        except KeyboardInterrupt as error:
            raise _Interrupted(*error.args) from error

    return call


def main() -> None:
    """Run the command line and exit with the documented code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; errors go to stderr as cause and hint."""
    # A group alone is a question: its help, not an error.
    asked = [*arguments, "--help"] if " ".join(arguments) in ("", *GROUPS) else arguments
    try:
        try:
            code = _call(build_app(), asked)
        except EdgeqError as error:
            code = _explain(error, arguments)
        sys.stdout.flush()
        return code
    except (_Interrupted, KeyboardInterrupt, typer.Abort) as error:
        print(": ".join(("interrupted", *map(str, error.args))), file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if os.environ.get("EDGEQ_DEBUG"):
            raise
        cause = f"internal error: {type(error).__name__}: {error}"
        hint = "this is a defect in edgeq; EDGEQ_DEBUG=1 shows where it happened"
        return _explain(InternalError(cause, hint=hint), arguments)


def _call(app: Callable[..., Any], arguments: list[str]) -> int:
    try:
        return app(args=arguments, prog_name="edgeq", standalone_mode=False) or 0
    except Exception as error:
        say = getattr(error, "format_message", None)  # typer's usage errors alone have it
        if say is None:
            raise
        hint = "edgeq COMMAND --help shows what the command takes"
        # A choice's message bears the words of the exception inside.
        raise UsageError(say().replace(": Value error, ", ": "), hint=hint) from error


def _explain(error: EdgeqError, arguments: list[str]) -> int:
    print(f"error: {error.cause}", file=sys.stderr)
    print(f"hint: {error.hint}", file=sys.stderr)
    if _wants_json(arguments):
        from edgeq.report.formats import to_json

        failure = {
            "schema": "edgeq.error/1",
            "error": type(error).__name__,
            "cause": error.cause,
            "hint": error.hint,
            "exit_code": error.exit_code,
        }
        sys.stdout.write(to_json(failure).decode())
    return error.exit_code


def _wants_json(arguments: list[str]) -> bool:
    return "--format=json" in arguments or any(
        a == "--format" and b == "json" for a, b in itertools.pairwise(arguments)
    )
