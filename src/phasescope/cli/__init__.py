"""The command line: commands only; what they do is elsewhere.

Exit codes: 0 done (or stopped by a signal, with a checkpoint), 1 a run failed, 2 the user's input, 130 interrupted.
"""

import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from inspect import BoundArguments, signature
from itertools import pairwise
from typing import Any, NoReturn

from cyclopts import App, CycloptsError, Parameter, UnknownOptionError

from phasescope.cli import networks, runs, studies
from phasescope.core.data_places import VARIABLE
from phasescope.core.errors import RunFailed, UserError
from phasescope.core.sources import description_of, place_of
from phasescope.runs.training.stopping import SIGNALS

FUNCTIONS = (
    runs.demo,
    runs.train,
    runs.fork,
    networks.predict,
    networks.designs,
    runs.observe,
    runs.exec,
    runs.sample,
    runs.ls,
    runs.show,
    runs.tag,
    runs.compare,
    studies.report,
    studies.study,
    studies.sweep,
    studies.claims,
    networks.intervene,
    networks.clones,
    runs.explore,
    networks.measure,
    runs.export,
    runs.import_,
)
COMMANDS: dict[str, Callable[..., Any]] = {function.__name__.strip("_"): function for function in FUNCTIONS}
HELP = (
    "Watch small generative models learn. With any command, --traceback shows where in your own code an error was raised, "
    "and --data PATH names a place, the data or a folder that holds them, where runs look for their images."
)
# An error is one line: values that users wrote may be of any length, and are cut with it.
LONGEST_LINE = 1200


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command `phasescope` and return its exit code."""
    tokens = [*(sys.argv[1:] if argv is None else argv)]
    traced = "--traceback" in tokens
    tokens = [token for token in tokens if token != "--traceback"]
    parsed = False
    before = os.environ.get(VARIABLE)

    try:
        os.getcwd()
    except FileNotFoundError:  # `os.path.exists` finds a folder that was removed, while a process is in it
        return _fail(2, "the working folder must exist, and was removed")

    try:
        tokens = _with_places(tokens)
        call = parse(COMMANDS, tokens)
        parsed = True
        code = _execute(tokens[0], *call)
        sys.stdout.flush()
    except (UserError, RunFailed) as error:
        if traced:
            traceback.print_exception(error)
        return _fail(2 if isinstance(error, UserError) else 1, str(error))
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        return _fail(2, f"`{error.filename or 'output'}` cannot be used: {error.strerror or error}")
    except KeyboardInterrupt:
        return _fail(130, "interrupted")
    except BaseException as error:  # own code may raise what is no Exception
        if isinstance(error.__context__, BrokenPipeError):  # rich ends the process if its reader leaves
            return 0
        if traced or not parsed:
            raise
        if not isinstance(error, Exception) or place_of(error):
            return _fail(1, f"your own code raised {description_of(error)}; --traceback shows the rest")
        if isinstance(error, MemoryError) or (isinstance(error, RuntimeError) and "memory" in str(error)):
            return _fail(1, f"more memory is needed than there is: {error}")  # torch's is a RuntimeError
        why = f"{type(error).__name__}: {error}"
        return _fail(1, f"{why}: a run's file is damaged, or phasescope is at fault; --traceback shows where")
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before
    return code


def _with_places(tokens: Sequence[str]) -> list[str]:
    """Return the tokens without `--data PATH`, and put the places before those of the environment, which workers inherit.

    Raises:
        UserError: there is nothing at a place.
    """
    others, places = list[str](), list[str]()
    rest = iter(tokens)
    for token in rest:
        name, equals, value = token.partition("=")
        if name != "--data":
            others.append(token)
            continue
        place = value if equals else next(rest, "")
        if not place or not os.path.exists(place):
            raise UserError(f"`--data` (={place or 'nothing'}) must be a file or a folder that is there")
        places.append(os.path.abspath(place))
    if places:
        os.environ[VARIABLE] = os.pathsep.join([*places, *filter(None, [os.environ.get(VARIABLE)])])
    return others


def _execute(name: str, command: Callable[..., Any], bound: BoundArguments, unparsed: dict[str, Any]) -> int:
    """Call a command, with a line of progress if it takes `notify`; print its result and return its exit code."""
    progress: Any = nullcontext()
    if unparsed:
        from phasescope.views.terminal.progress import counting

        progress = counting(name)
    with progress as notify:
        result = command(*bound.args, **bound.kwargs, **dict.fromkeys(unparsed, notify))
    return result.show() if hasattr(result, "show") else result or 0


def command() -> NoReturn:
    """Run `main` and end the process. After the first interrupt that reaches it, further ones are ignored.

    SIGTERM and SIGHUP are interrupts too, so that incomplete files are removed.
    """
    for number in SIGNALS:
        if signal.getsignal(number) in (signal.default_int_handler, signal.SIG_DFL):
            signal.signal(number, _interrupt)

    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            # Closed, as by `>&-`: no file that is opened later may take its number.
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115

    if isinstance(sys.stdout, io.TextIOWrapper):
        # A path may hold what the terminal's encoding lacks.
        sys.stdout.reconfigure(errors="backslashreplace")

    try:
        code = main()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _interrupt(*_: Any) -> NoReturn:
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _fail(code: int, why: str) -> int:
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in why).split())
    print(f"phasescope: {line[:LONGEST_LINE]}", file=sys.stderr)
    return code


def parse(
    commands: Mapping[str, Callable[..., Any]], tokens: Sequence[str]
) -> tuple[Callable[..., Any], BoundArguments, dict]:
    """Return the function that the tokens ask for, its arguments, and its parameters that no token sets.

    Raises:
        UserError: there is no such command or argument, or a value breaks its rule.
    """
    if not tokens:
        raise UserError(f"`COMMAND` (=nothing) must be given: one of {', '.join(commands)}")

    for before, token in zip(["COMMAND", *tokens], tokens, strict=False):
        flag, equals, value = token.partition("=")
        if not token or (flag.startswith("--") and equals and not value):
            name = flag or (before if before.startswith("--") else "ARGS")
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
    except UnknownOptionError as error:
        takes_keys = "overrides" in signature(commands[tokens[0]]).parameters
        raise UserError((takes_keys and key_of_option(error, tokens)) or str(error)) from None
    except CycloptsError as error:
        raise UserError(str(error)) from None


def key_of_option(error: UnknownOptionError, tokens: Sequence[str]) -> str | None:
    """Return what to write instead of an unknown option that is a key of the configuration; None if it is none."""
    from phasescope.runs.config import defaults

    option = error.token.value if error.token is not None else ""
    name, equals, value = option.removeprefix("--").partition("=")
    if name.partition(".")[0] not in {*defaults(), "preset"}:
        return None

    after = [token for before, token in pairwise(tokens) if before == option]
    written = value if equals else next(iter(after), "VALUE")
    return f"`{option}` must be written without dashes, as a key of the configuration: {name}={written}"


def _version() -> str:
    from importlib.metadata import version  # a fifth of the time of `--help`

    return f"phasescope {version('phasescope')}"
