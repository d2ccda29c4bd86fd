"""A command line's words to the call that they ask for, by tyro; what is wrong with them in one line, as all errors are."""

from __future__ import annotations

import difflib
import inspect
import io
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import redirect_stderr
from functools import partial, wraps
from typing import Any, get_type_hints

import tyro
from tyro.conf import FlagCreatePairsOff

from phasescope.cli.arguments import Endings
from phasescope.errors import UserError

Verb = Callable[..., int]
FOLDERS = {
    "runs": " of runs",
    "results": " of results",
    **dict.fromkeys(("pictures", "figures", "tables", "tensorboard"), ""),
}
FILES = ("out", "page", "archive")
NUMBERS = {**dict.fromkeys(("int", "Step", "Workers"), "a whole number"), "float": "a number"}

FAULTS = (
    (r"Unrecognized options: (.*)", "`{name}` must be left out: {verb} takes no such word"),
    (r"Missing value for argument '(.+?)'", "`{name}` (=nothing) must be given"),
    (r"Missing from phasescope \S+: (\S+) (.*)", "`{name}` (=nothing) must be given: {more}"),
    (
        r"invalid choice '.*' for argument '(\S+)'. Expected one of \((.*)\)",
        "`{name}` (={value}) must be one of {more}",
    ),
    (r"Error parsing (\S+):", "`{name}` (={value}) must be {rule}"),
)
"""what tyro tells, and how it is told here"""


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
                description="Watch small generative models learn. `--version` prints the version; `--traceback` "
                "shows where in your own code an error was raised.",
                use_underscores=False,
                config=(FlagCreatePairsOff,),
            )
    except SystemExit as end:
        if not end.code:
            raise
        raise UserError(_fault(told.getvalue(), words, by_name.get(words[0]))) from None
    _check_places(by_name[words[0]], call.keywords)
    return call


def flags_of(verb: Verb) -> dict[str, inspect.Parameter]:
    """Its flags, as they are typed."""
    parameters = inspect.signature(verb).parameters
    return {
        f"--{name.replace('_', '-')}": one
        for name, one in parameters.items()
        if one.kind is not inspect.Parameter.POSITIONAL_ONLY
    }


def _check_places(verb: Verb, flags: Mapping[str, Any]) -> None:
    """Raises UserError where a folder is none, what would be written over is no file, or a file's name ends otherwise than
    its argument says."""
    hints = get_type_hints(verb, include_extras=True)
    for name, path in flags.items():
        for endings in getattr(hints[name], "__metadata__", ()):
            if isinstance(endings, Endings) and path is not None:
                from phasescope.views.samples import check_out

                check_out(path, endings, f"--{name}")
    for name in (*FOLDERS, *FILES):
        path = flags.get(name)
        if path is None or not path.exists():
            continue
        if name in FOLDERS and not path.is_dir():
            raise UserError(f"`--{name}` (={path}) must be a folder{FOLDERS[name]}")
        if name in FILES and not path.is_file():
            raise UserError(f"`--{name}` (={path}) must be a file: what is there is none")


def _later(verb: Verb) -> Callable[..., Callable[[], int]]:
    """The verb, called only when all words are understood."""

    @wraps(verb)
    def later(*words: Any, **flags: Any) -> Callable[[], int]:
        return partial(verb, *words, **flags)

    return later


def _fault(told: str, words: Sequence[str], verb: Verb | None) -> str:
    """What tyro told in a box, in one line; a flag that is none by its nearest."""
    flags = flags_of(verb) if verb else {}
    typed = [word.partition("=") for word in words]
    for flag, _, _ in typed:
        if flag.startswith("--") and flag.replace("_", "-") not in [*flags, "--help"]:
            of = f"{words[0]}'s flags, {', '.join(flags)}" if verb else "the verbs, or --help or --version"
            return f"`{flag}` must be one of {of}{_nearest(flag, flags)}"
    box = [line.strip(" │╭╮╰╯") for line in told.splitlines()]
    text = " ".join(" ".join(box[1:]).split()).lstrip("─- ")
    text = re.split(r" [─-]{8,}", text)[0]
    found, ours = next(
        ((hit, ours) for pattern, ours in FAULTS if (hit := re.match(pattern, text))), (None, "")
    )
    if found is None:
        return f"`{words[0]}` must be called as `phasescope --help` tells: {text}"
    name = found[1]
    takes_words = verb is not None and "words" in inspect.signature(verb).parameters
    if ours == FAULTS[0][1] and takes_words and not name.startswith("-"):
        return f"`{_short(name)}` must stand with the other words, before the first flag"
    parameter = flags.get(name)
    rule = NUMBERS.get(str(parameter.annotation).partition(" ")[0] if parameter else "", "as --help tells")
    given = [value if equals else after for (flag, equals, value), after in zip(typed, [*words[1:], ""], strict=True)
             if flag.replace("_", "-") == name]  # fmt: skip
    value = _short(given[0]) if given else "nothing"
    return ours.format(name=_short(name), value=value, rule=rule, verb=words[0], more=found[found.re.groups])


def _short(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."


def _nearest(word: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f"; `{near[0]}` is near" if near else ""


def numbers(flag: str, text: str | None) -> list[float] | None:
    """``12.5,20`` -> [12.5, 20.0]; None for None.

    Raises:
        UserError: it has not that form.
    """
    try:
        return None if text is None else [float(part) for part in text.split(",")]
    except ValueError:
        raise UserError(f"`{flag}` (={text}) must be numbers with commas between, as in 12.5,20") from None


def listed(flag: str, text: str | None) -> list[str] | None:
    """``x,y`` -> ["x", "y"]; None for None.

    Raises:
        UserError: there is no word, or an empty one.
    """
    if text is None:
        return None
    words = [part.strip() for part in text.split(",")]
    if not all(words):
        raise UserError(f"`{flag}` (={text}) must be words with commas between, as in x,y")
    return words
