"""Types of the commands' arguments, with their help texts, converters and validators.

A converter or a validator raises ValueError; cyclopts names the argument.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token
from cyclopts.validators import Number

from phasescope.core.sources import run_folder_above

Check = Callable[[Any, Path | None], None]


def _numbers(_: Any, tokens: Sequence[Token]) -> list[float]:
    try:
        return [float(part) for part in tokens[0].value.split(",")]
    except ValueError:
        raise ValueError(f"{tokens[0].value} must be numbers with commas between, as in 12.5,20") from None


def _steps(_: Any, tokens: Sequence[Token]) -> list[int]:
    try:
        return [int(part) for part in tokens[0].value.split(",")]
    except ValueError:
        raise ValueError(f"{tokens[0].value} must be steps with commas between, as in 500,750") from None


def _check_at_layers(_: Any, patches: Sequence[str] | None) -> None:
    at_layers(patches or ())


def at_layers(patches: Sequence[str]) -> dict[str, list[str]]:
    """Return the labels of layers, of texts as mid=12.5,20 or mid=12.5,20,red.

    Raises:
        ValueError: a text is no layer and label; a layer is given twice.
    """
    labels: dict[str, list[str]] = {}
    for text in patches:
        layer, _, label = text.partition("=")
        values = [part.strip() for part in label.split(",")]
        if not (layer and all(values)):
            raise ValueError(f"{text} must be a layer and a label, as in mid=12.5,20")
        if layer in labels:
            raise ValueError(f"{text} must name a layer once: `{layer}` is given a label already")
        labels[layer] = values
    return labels


def _label(_: Any, tokens: Sequence[Token]) -> list[str]:
    values = [part.strip() for part in tokens[0].value.split(",")]
    if not all(values):
        raise ValueError(f"{tokens[0].value} must be a label, values with commas between, as in 12.5,20,red")
    return values


def _names(_: Any, tokens: Sequence[Token]) -> list[str]:
    names = [part.strip() for part in tokens[0].value.split(",")]
    if not all(names):
        raise ValueError(f"{tokens[0].value} must be words with commas between, as in x,y")
    return names


def _check_no_record(path: Path) -> None:
    """Raise ValueError if a result would be written over what a run recorded, or among it."""
    if (run_folder := run_folder_above(path.absolute() / "a file")) is None:
        return
    from phasescope.runs.store.layout import BY_NAME

    first = (*path.absolute().relative_to(run_folder).parts, "")[0]
    if first in BY_NAME:
        raise ValueError(f"{path} belongs to the records of `{run_folder.name}`: choose another place")


def _folder(content: str = "") -> Check:
    def check(_: Any, path: Path | None) -> None:
        if path and path.exists() and not path.is_dir():
            raise ValueError(f"{path} must be a folder{content}")

    return check


def _out_folder(_: Any, path: Path | None) -> None:
    if path and path.exists() and not path.is_dir():
        raise ValueError(f"{path} must be a folder")
    if path:
        _check_no_record(path)


def _file(*endings: str) -> Check:
    """Return a check that a file can be written there: before anything is computed."""

    def check(_: Any, path: Path | None) -> None:
        if path and endings and path.suffix not in endings:
            known = " or ".join(filter(None, (", ".join(endings[:-1]), endings[-1])))
            raise ValueError(f"{path} must end in {known}")
        if path and endings and not path.parent.is_dir():
            raise ValueError(f"{path} must be in a folder that exists: there is no {path.parent}")
        if path and path.exists() and not path.is_file():
            raise ValueError(f"{path} must be a file, and it is something else")
        if path:
            _check_no_record(path)

    return check


OVERRIDES = "a YAML file and key=value overrides, as in preset=small training.steps=500"
TENSORBOARD = (
    "folder for scalars and images as they come, as tensorboard --logdir takes it (extra `monitors`)"
)
WANDB = "project of Weights & Biases, logged to offline, in wandb/ (extra `monitors`)"
STEP = "snapshot whose weights are used; the last by default"
WORKERS = "how many runs at a time; by default as many as the engine has room for"
STUDIES = "folder of studies; by default `studies` here or in the clone"
PICTURE = "FILE.png, FILE.svg or FILE.pdf for a picture"
SAMPLES = "FILE.png or FILE.npz for the images"
RUN = "a run's folder, name or hash"
TARGET = f"{RUN}; or a study's name or path"

OtherOverrides = Annotated[str, Parameter(name="[FILE.yaml ...] [key=value ...]")]
Overrides = Annotated[str, Parameter(name="[FILE.yaml ...] [key=value ...]", help=OVERRIDES)]
RunName = Annotated[str, Parameter(name="RUN", help=RUN)]
RunNames = Annotated[str, Parameter(name="RUN RUN ...")]
RunFolder = Annotated[Path, Parameter(name="RUN_DIR")]
StudyName = Annotated[str, Parameter(name="NAME|PATH")]
Target = Annotated[str, Parameter(name="RUN|STUDY", help=TARGET)]
Measured = Annotated[str, Parameter(name="FILE.npz|RUN")]
Unpacked = Annotated[Path, Parameter(name="FILE.zip")]

Whole = Annotated[int, Parameter(metavar="INT")]
Count = Annotated[int, Parameter(metavar="INT", help="images")]
Seed = Annotated[int, Parameter(metavar="INT", help="seed of noise, and of images or labels that are drawn")]
Step = Annotated[int | None, Parameter(metavar="INT", help=STEP)]
Trials = Annotated[int, Parameter(metavar="INT", validator=Number(gte=1))]
Workers = Annotated[int | None, Parameter(metavar="INT", validator=Number(gte=1), help=WORKERS)]
Steps = Annotated[list[int], Parameter(metavar="STEP,...", converter=_steps, n_tokens=1)]
Numbers = Annotated[list[float] | None, Parameter(metavar="A,B,...", converter=_numbers, n_tokens=1)]
Label = Annotated[list[str] | None, Parameter(metavar="A,B,...", converter=_label, n_tokens=1)]
AtLayers = Annotated[
    list[str] | None, Parameter(metavar="LAYER=A,B,...", negative=(), validator=_check_at_layers)
]
Names = Annotated[list[str] | None, Parameter(metavar="A,B,...", converter=_names, n_tokens=1)]
Drawing = Literal["sobol", "random"]
Engine = Annotated[Literal["local", "slurm", "ray"], Parameter(help="what executes runs")]

Runs = Annotated[Path, Parameter(metavar="DIR", validator=_folder(" of runs"), help="folder of runs")]
Studies = Annotated[Path | None, Parameter(metavar="FOLDER", help=STUDIES)]
Sweeps = Annotated[Path, Parameter(metavar="FOLDER", help="folder of sweeps")]
Folder = Annotated[Path | None, Parameter(metavar="FOLDER", validator=_out_folder)]
TensorBoard = Annotated[Path | None, Parameter(metavar="FOLDER", validator=_out_folder, help=TENSORBOARD)]
WandB = Annotated[str | None, Parameter(metavar="PROJECT", help=WANDB)]
File = Annotated[Path | None, Parameter(metavar="FILE", validator=_file())]
Archive = Annotated[Path | None, Parameter(metavar="FILE.zip", validator=_file(".zip"))]
Samples = Annotated[Path, Parameter(metavar="FILE", validator=_file(".png", ".npz"), help=SAMPLES)]
Text = Annotated[str, Parameter(name="TEXT")]
Picture = Annotated[
    Path | None, Parameter(metavar="FILE", validator=_file(".png", ".svg", ".pdf"), help=PICTURE)
]

Json = Annotated[bool, Parameter(help="JSON instead of tables")]
DryRun = Annotated[bool, Parameter(help="print the runs, their cost and what exists, and run nothing")]
# No argument of the command line: `main` shows the progress of a command that takes it, and passes it to the command.
Notify = Annotated[Callable[[int, int], None], Parameter(parse=False)]
