"""A command line to the call that it asks for, by cyclopts; what is wrong with it in one line, as all errors are."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from inspect import BoundArguments
from typing import Any, Literal, get_args, get_origin

from cyclopts import (
    App,
    CycloptsError,
    MissingArgumentError,
    Parameter,
    RepeatArgumentError,
    UnknownCommandError,
    UnknownOptionError,
)

from phasescope.core.errors import UserError

HELP = "Watch small generative models learn. With any command, --traceback shows where in your own code an error was raised."
LONGEST = 240
"""characters of an argument or a value in an error: a path fits, whose end tells most"""
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
        raise UserError(_explain(error, tokens[0], commands)) from None


def _version() -> str:
    from importlib.metadata import version  # a fifth of the time of `--help`

    return f"phasescope {version('phasescope')}"


def _explain(error: CycloptsError, command: str, commands: Commands) -> str:
    """Return the argument, its value and the rule, in one line."""
    if isinstance(error, UnknownCommandError):
        token = (error.unused_tokens or [command])[0]
        return f"`{_short(token)}` must be one of {', '.join(commands)}{_nearest(token, commands)}"
    if isinstance(error, UnknownOptionError):
        flag = (error.token.keyword or error.token.value).partition("=")[0]
        flags = [each.name for each in error.argument_collection if each.name.startswith("--") and each.parse]
        known = f"{command}'s flags, {', '.join(flags)}" if command in commands else "--help or --version"
        return f"`{_short(flag)}` must be one of {known}{_nearest(flag, flags)}"
    if isinstance(error, RepeatArgumentError):
        return f"`{error.token.keyword}` (=several times) must be given once"
    argument = error.argument
    if argument is None:
        tokens = ", ".join(map(_short, error.unused_tokens or ()))
        return f"`{tokens}` must be left out: {command} takes no such argument"
    # cyclopts writes a positional argument RUN as --RUN.
    name = argument.name.lstrip("-") if argument.field_info.is_positional_only else argument.name
    if isinstance(error, MissingArgumentError):
        meaning = argument.parameter.help
        return f"`{name}` (=nothing) must be given{f': {meaning}' if meaning else ''}"
    if not argument.tokens:
        return f"`{name}` must be given without a value"
    rule = str(getattr(error, "exception_message", "") or error.msg or "must be as --help says").rstrip(".")
    if get_origin(argument.hint) is Literal:
        rule = f"must be one of {', '.join(get_args(argument.hint))}"
    return f"`{name}` (={_short(argument.tokens[-1].value)}) {rule[0].lower()}{rule[1:].replace('>=', 'at least')}"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 3]}..."


def _nearest(token: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(token, known, n=1)
    return f"; `{near[0]}` is near" if near else ""
