"""A command line's words to the call that they ask for, by tyro; what is wrong with them in one line, as all errors are."""

from __future__ import annotations

import difflib
import inspect
import io
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import redirect_stderr
from functools import partial, wraps
from typing import Any

import tyro
from tyro.conf import FlagCreatePairsOff

from phasescope.errors import UserError

Verb = Callable[..., int]
FOLDERS = {"runs", "results"}
NUMBERS = {"int": "a whole number", "float": "a number"}


def call_of(verbs: Sequence[Verb], words: Sequence[str]) -> Callable[[], int]:
    """The call that the words ask for; `--help` is printed, and ends the process.

    Raises:
        UserError: no such verb or flag, or a word that is none.
    """
    by_name = {verb.__name__: verb for verb in verbs}
    known = ", ".join(by_name)
    if not words:
        raise UserError(f"`VERB` (=nothing) must be given: one of {known}")
    for before, word in zip(["VERB", *words], words, strict=False):
        flag, equals, value = word.partition("=")
        if not word or (flag.startswith("--") and equals and not value):
            name = flag or (before if before.startswith("--") else "WORD")
            raise UserError(f"`{name}` (=) must not be empty")
    if not words[0].startswith("-") and words[0] not in by_name:
        raise UserError(f"`{words[0]}` must be one of {known}{_nearest(words[0], by_name)}")
    app = tyro.extras.SubcommandApp()
    for verb in verbs:
        app.command(_later(verb))
    told = io.StringIO()
    try:
        with redirect_stderr(told):
            call = app.cli(
                args=words,
                prog="phasescope",
                description="Watch small generative models learn.",
                use_underscores=False,
                config=(FlagCreatePairsOff,),
            )
    except SystemExit as end:
        if not end.code:
            raise
        raise UserError(_fault(told.getvalue(), words, by_name.get(words[0]))) from None
    for name in FOLDERS & call.keywords.keys():
        if (folder := call.keywords[name]).exists() and not folder.is_dir():
            raise UserError(f"`--{name}` (={folder}) must be a folder of {name}")
    return call


def flags_of(verb: Verb) -> dict[str, inspect.Parameter]:
    """Its flags, as they are typed."""
    parameters = inspect.signature(verb).parameters
    return {
        f"--{name.replace('_', '-')}": one
        for name, one in parameters.items()
        if one.kind is not inspect.Parameter.POSITIONAL_ONLY
    }


def _later(verb: Verb) -> Callable[..., Callable[[], int]]:
    """The verb, called only when all words are understood."""

    @wraps(verb)
    def later(*words: Any, **flags: Any) -> Callable[[], int]:
        return partial(verb, *words, **flags)

    return later


def _fault(told: str, words: Sequence[str], verb: Verb | None) -> str:
    """What tyro told in a box, in one line; a flag that is none by its nearest."""
    box = [line.strip(" │|") for line in told.splitlines() if not line.startswith(("╭", "╰"))]
    text = " ".join(re.split(r"\s[─-]{8,}\s", " ".join([*box, ""]))[0].split())
    flags = flags_of(verb) if verb else {}
    typed = [word.partition("=") for word in words]
    for flag, _, _ in typed:
        if flag.startswith("--") and flag.replace("_", "-") not in [*flags, "--help"]:
            of = (
                f"{words[0]}'s flags, {', '.join(flags)}"
                if verb
                else "the flags that `phasescope --help` tells"
            )
            return f"`{flag}` must be one of {of}{_nearest(flag, flags)}"
    if wrong := re.match(r"Error parsing (--[\w-]+):", text):
        parameter = flags.get(wrong[1])
        rule = NUMBERS.get(str(parameter.annotation).partition(" ")[0] if parameter else "")
        at = next(i for i, (flag, _, _) in enumerate(typed) if flag.replace("_", "-") == wrong[1])
        value = typed[at][2] if typed[at][1] else words[at + 1]
        if rule:
            return f"`{wrong[1]}` (={value[:60]}) must be {rule}"
    return text or "`VERB` must be given as `phasescope --help` says"


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; `{near[0]}` is near" if near else ""
