"""Kinds of one's own, wherever a configuration has a `kind`.

Ours are names (``kind: adamw``). Anybody else's is a reference to a class: ``kind: my_worlds.py:Rings``, a file, or
``kind: package.module:Class`` of an installed package. The other keys are its fields.

A reference is code: whoever trains, samples or measures a run whose configuration has one runs it. What only shows runs
reads trees and imports none (`references`). A source never lies in a run's folder, which may be an archive of somebody
else's (`phasescope.core.sources`). The source's SHA-256 is kept with the run.
"""

import hashlib
import importlib
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field, PlainSerializer, ValidationError, WrapValidator, model_validator

from phasescope.core.config import Config, Tree, explain
from phasescope.core.errors import UserError
from phasescope.core.sources import check_source, failing


class Kind(Config):
    """Base of all configurations of which there are several kinds."""

    kind: str = ""
    """one of ours by its name, or a reference to somebody's own class"""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.kind:
            with suppress(UserError):
                object.__setattr__(self, "kind", reference_to(type(self)))
        return self

    def told(self) -> Tree:
        """The fields, with the kind by which another process finds the class.

        Raises:
            UserError: it cannot be found again.
        """
        return self.tree() | {"kind": self.kind or reference_to(type(self))}


class Constructed(Kind):
    """Somebody's own class by reference, with its constructor's arguments as further keys."""

    model_config = ConfigDict(extra="allow")

    FIELD: ClassVar[str]
    """of a run's configuration, as errors name it"""
    OF: ClassVar[str]
    """reference to the class that it must derive from, as `torch.nn:Module`"""
    GIVEN: ClassVar[int] = 0
    """arguments of the constructor, its first, that no configuration says"""

    @property
    def arguments(self) -> Tree:
        """Of the constructor, as the configuration says them."""
        return dict(self.model_extra or {})

    def takes(self) -> dict[str, inspect.Parameter]:
        """The constructor's arguments that a configuration may say."""
        return dict(list(inspect.signature(load(self.kind)).parameters.items())[self.GIVEN :])

    @model_validator(mode="after")
    def _taken_by_the_constructor(self) -> Self:
        takes, argument = self.takes(), inspect.Parameter
        names = [
            one.name for one in takes.values() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
        ]
        anything = any(one.kind is argument.VAR_KEYWORD for one in takes.values())
        for name, value in self.arguments.items():
            if name not in names and not anything:
                raise ValueError(
                    f"`{name}` (={value}) is not an argument of {self.kind}: arguments are {', '.join(names) or 'none'}"
                )
        for name in names:
            if takes[name].default is argument.empty and name not in self.arguments:
                raise ValueError(f"`{name}` (=nothing) must be given: {self.kind} needs it")
        return self

    def default_of(self, name: str) -> Any:
        if name in self.arguments and (argument := self.takes().get(name)) is not None:
            return super().default_of(name) if argument.default is argument.empty else argument.default
        return super().default_of(name)

    def construct(self, *given: Any, **named: Any) -> Any:
        """An instance, of what is given and of the arguments.

        Raises:
            SourceFailed, UserError: the constructor refuses them.
        """
        told = ", ".join(f"{name}={value}" for name, value in self.arguments.items())
        with failing(f"`{self.FIELD}` (={self.kind} of {told}) cannot be built"):
            return load(self.kind)(*given, **named, **self.arguments)


def is_reference(kind: Any) -> bool:
    """Whether `kind` refers to a class of somebody's own."""
    return isinstance(kind, str) and ":" in kind


def references(tree: Any) -> list[str]:
    """All of somebody's own that a configuration's tree names, kinds and measures, in order; nothing is imported."""
    named: list[Any] = []
    for inner in _mappings(tree):
        measures = inner.get("measures")
        named += [inner.get("kind"), *(measures if isinstance(measures, list | tuple) else ())]
    return list(dict.fromkeys(name for name in named if is_reference(name)))


def _mappings(tree: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(tree, Mapping):
        yield tree
        tree = tree.values()
    if isinstance(tree, Iterable) and not isinstance(tree, str | bytes):
        for value in tree:
            yield from _mappings(value)


def load(reference: str, anywhere: bool = False) -> Any:
    """The class or function that a reference names.

    Args:
        anywhere: whether a file may lie outside the folder that the command runs in: its user named it.

    Raises:
        UserError: no such file, module or name; or it lies where no source may lie.
        SourceFailed: its import fails.
    """
    where, _, name = reference.rpartition(":")
    check_source(where, reference, anywhere)
    with failing(f"`{reference}` cannot be imported"):
        found: Any = _module_of_file(Path(where)) if where.endswith(".py") else importlib.import_module(where)
    if _key(where) not in _IMPORTED and (file := getattr(found, "__file__", None)):
        _IMPORTED[_key(where)] = hashlib.sha256(Path(file).read_bytes()).hexdigest()
    for part in name.split("."):
        found = getattr(found, part, None)
        if found is None:
            raise UserError(f"`{reference}` must name something in `{where}`: it has no `{name}`")
    return found


def source_digests(tree: Any) -> dict[str, str]:
    """Of each reference in a configuration's tree, and of each data file, the SHA-256 of the file that it names."""
    return {name: _sha256(name) for name in sources_named(tree)}


def sources_named(tree: Any) -> list[str]:
    """All references and data files in a configuration's tree; none is opened."""
    files = [inner.get("file") for inner in _mappings(tree) if "kind" in inner]
    return [*references(tree), *(file for file in files if isinstance(file, str) and file)]


def reference_to(thing: type | Callable[..., Any]) -> str:
    """The reference by which a configuration names a class or function that Python has at hand.

    Raises:
        UserError: it is nested, or was typed into an interpreter: no later process could find it.
    """
    module, name = thing.__module__, thing.__qualname__
    file = getattr(sys.modules.get(module), "__file__", None)
    if "<locals>" in name or file is None:
        raise UserError(
            f"`{name}` must stand at the top of a file, for a run that is resumed reads it from there"
        )
    path = Path(file)
    beside = "." not in module and path.is_relative_to(Path.cwd()) and "site-packages" not in path.parts
    if module == "__main__" or module.startswith(_PREFIX) or beside:
        return f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}:{name}"
    return f"{module}:{name}"


def open_union(union: Any, base: type[Kind], constructed: type[Constructed] | None = None) -> Any:
    """The annotation of a field that holds one of our kinds, a discriminated union, or somebody's own.

    Args:
        union: of our kinds; or the only one.
        base: what a class of somebody's own must derive from.
        constructed: the configuration of a class that is none itself, and derives from `constructed.OF`.
    """

    def validate(value: Any, ours: Callable[[Any], Any]) -> Any:
        if isinstance(value, str):
            value = {"kind": value}
        if isinstance(value, base):
            return value
        kind = value.get("kind") if isinstance(value, Mapping) else None
        if not is_reference(kind):
            return ours(value)
        assert isinstance(value, Mapping)
        cls = config_class(str(kind), base, constructed)
        try:
            return cls.model_validate({**value, "kind": kind})
        except ValidationError as error:
            raise ValueError(explain(error, {**value, "kind": kind})) from None

    several = getattr(union, "__args__", None)
    inner = Annotated[union, Field(discriminator="kind")] if several else union
    return Annotated[
        inner, WrapValidator(validate), PlainSerializer(lambda config: config.tree(), return_type=dict)
    ]


def config_class(reference: str, base: type[Kind], constructed: type[Constructed] | None) -> type[Kind]:
    """The configuration class that a reference names, or `constructed` for another class; its `kind` is the reference.

    Raises:
        ValueError: it is neither.
    """
    try:
        found = load(reference)
    except UserError as error:
        raise ValueError(f"`kind` (={reference}) must be found: {error}") from None
    if not isinstance(found, type):
        raise ValueError(f"`kind` (={reference}) must be a class, not a {type(found).__name__}")
    if missing := sorted(getattr(found, "__abstractmethods__", ())):
        raise ValueError(f"`kind` (={reference}) must define {', '.join(missing)}")
    if issubclass(found, base):
        return found
    if constructed is not None and issubclass(found, load(constructed.OF)):
        return constructed
    bases = " or ".join([base.__name__, *([constructed.OF] if constructed else [])])
    raise ValueError(f"`kind` (={reference}) must derive from {bases}, and does not")


_PREFIX = "phasescope_own_"
# By file or module, the SHA-256 of the source that this process executed: the file may have changed since.
_IMPORTED: dict[str, str] = {}


def _key(where: str) -> str:
    return str(Path(where).resolve()) if where.endswith(".py") else where


def _module_of_file(path: Path) -> Any:
    """The module in a file, imported once under a name of its own; files beside it can be imported by it."""
    whole = path.resolve()
    name = _PREFIX + hashlib.sha256(str(whole).encode()).hexdigest()[:12]
    if name in sys.modules:
        return sys.modules[name]
    source = whole.read_bytes()  # executed as they are: Python's own loader may take an older .pyc for them
    spec = importlib.util.spec_from_file_location(name, whole)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _IMPORTED[str(whole)] = hashlib.sha256(source).hexdigest()
    try:
        with importable_from(whole.parent):
            exec(compile(source, str(whole), "exec", dont_inherit=True), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def importable_from(folder: Path) -> Iterator[None]:
    """Within the block modules in a folder can be imported too."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def _sha256(reference: str) -> str:
    """Of the file that a reference or a data file's path names. What runs is what this process imported, so that a later
    version is refused."""
    where = reference.rpartition(":")[0]
    if not is_reference(reference) or where.endswith(".py"):
        path: Path | None = Path(where or reference)
    else:
        check_source(where, reference)
        spec = importlib.util.find_spec(where)
        path = Path(spec.origin) if spec and spec.origin else None
    if path is None or not path.is_file():
        raise UserError(f"`{reference}` must be a file that is there: the run keeps its SHA-256")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if _IMPORTED.get(_key(where), digest) != digest:
        raise UserError(
            f"`{where}` must be what this process imported, and has changed since: put it back, or start a new process"
        )
    return digest
