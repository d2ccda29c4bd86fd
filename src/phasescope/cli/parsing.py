"""A command line to the call that it asks for, by cyclopts; what is wrong with it in one line, as all errors are."""

from collections.abc import Callable, Mapping, Sequence
from inspect import BoundArguments
from typing import Any

from cyclopts import App, CycloptsError, Parameter

from phasescope.core.errors import UserError

HELP = "Watch small generative models learn. With any command, --traceback shows where in your own code an error was raised."
Commands = Mapping[str, Callable[..., Any]]


def parse(commands: Commands, tokens: Sequence[str]) -> tuple[Callable[..., Any], BoundArguments, dict]:
    """Return the function that the tokens ask for, its arguments, and its parameters that no token sets.

    Raises:
        UserError: there is no such command or argument, or a value breaks its rule.
    """
    if not tokens:
        raise UserError(f"`COMMAND` (=nothing) must be given: one of {', '.join(commands)}")
    for before, token in zip(["COMMAND", *tokens], tokens, strict=False):
        flag, equals, value = token.partition("=")
        if not token or (flag.startswith("--") and equals and not value):
            name = flag or (before if before.startswith("--") else "WORD")
            raise UserError(f"`{name}` (=) must not be empty")
    app = App(
        name="phasescope",
        help=HELP,
        help_format="plaintext",
        version=_version,
        # No `--no-json` beside `--json`; and that a flag is off by default goes without saying.
        default_parameter=Parameter(negative=(), show_default=lambda default: default or None),
    )
    for number, (name, function) in enumerate(commands.items()):
        app.command(function, name=name, sort_key=number)
    try:
        return app.parse_args(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise UserError(str(error)) from None


def _version() -> str:
    from importlib.metadata import version  # a fifth of the time of `--help`

    return f"phasescope {version('phasescope')}"
