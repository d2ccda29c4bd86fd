"""User-defined kinds, wherever a configuration has a `kind`.

Built-in kinds are names (``kind: adamw``). Your own kind is a reference to a class in a file, ``kind: my_worlds.py:Rings``,
or in an installed package, ``kind: package.module:Class``. The other keys are its fields.

A reference is code, which is executed whenever a run whose configuration names it is trained, sampled or measured. Code that
only shows runs reads configurations as trees and imports nothing (`references`). A source must not lie in a run's folder,
which may come from a stranger's archive (`phasescope.core.sources`). The run records the source's SHA-256.
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
from phasescope.core.edited import edited_since_imported
from phasescope.core.errors import UserError
from phasescope.core.sources import check_source, failing


class Kind(Config):
    """Base of all configurations that have several kinds."""

    kind: str = ""
    """name of a built-in kind, or a reference to your own class"""

    @model_validator(mode="after")
    def _named(self) -> Self:
        if not self.kind:
            with suppress(UserError):
                object.__setattr__(self, "kind", reference_to(type(self)))
        return self

    def tree_with_kind(self) -> Tree:
        """Return the fields, with the kind by which another process finds the class.

        Raises:
            UserError: it cannot be found again.
        """
        return self.tree() | {"kind": self.kind or reference_to(type(self))}


class Constructed(Kind):
    """A user's own class by reference, with its constructor's arguments as further keys."""

    model_config = ConfigDict(extra="allow")

    FIELD: ClassVar[str]
    """field of a run's configuration, as errors name it"""
    OF: ClassVar[str]
    """reference to the class that it must derive from, such as `torch.nn:Module`"""
    GIVEN: ClassVar[int] = 0
    """number of the constructor's first arguments that are not set by a configuration"""

    @property
    def arguments(self) -> Tree:
        """The constructor's arguments that the configuration sets."""
        return dict(self.model_extra or {})

    def takes(self) -> dict[str, inspect.Parameter]:
        """Return the constructor's arguments that a configuration may set."""
        return dict(list(inspect.signature(load(self.kind)).parameters.items())[self.GIVEN :])

    @model_validator(mode="after")
    def _taken_by_the_constructor(self) -> Self:
        takes, argument = self.takes(), inspect.Parameter
        names = [p.name for p in takes.values() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
        anything = any(parameter.kind is argument.VAR_KEYWORD for parameter in takes.values())
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
        """Return an instance, constructed from `given`, `named` and the configured arguments.

        Raises:
            SourceFailed, UserError: the constructor refuses them.
        """
        arguments = ", ".join(f"{name}={value}" for name, value in self.arguments.items())
        with failing(f"`{self.FIELD}` (={self.kind} of {arguments}) cannot be built"):
            return load(self.kind)(*given, **named, **self.arguments)


def is_reference(kind: Any) -> bool:
    """Return whether `kind` refers to a user's own class."""
    return isinstance(kind, str) and ":" in kind


def references(tree: Any) -> list[str]:
    """Return the references to users' own kinds and measures in a configuration's tree, in order, importing nothing."""
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
    """Return the class or function that a reference names.

    Args:
        anywhere: whether a file may lie outside the working folder, because the user named it on the command line.

    Raises:
        UserError: no such file, module or name; or it lies where no source may lie; a module's file was edited after its
            import, and is not what runs.
        SourceFailed: its import fails.
    """
    where, _, name = reference.rpartition(":")
    check_source(where, reference, anywhere)

    already = None if _key(where) in _IMPORTED else sys.modules.get(where)
    if already is not None and getattr(already, "__file__", None) and edited_since_imported(already):
        raise UserError(
            f"`{reference}` (={already.__file__}) must be as this process imported it, and has been edited since: start "
            "a new process, or restart the notebook's kernel"
        )

    with failing(f"`{reference}` cannot be imported"):
        thing: Any = _module_of_file(Path(where)) if where.endswith(".py") else importlib.import_module(where)
    if _key(where) not in _IMPORTED and (file := getattr(thing, "__file__", None)):
        _IMPORTED[_key(where)] = hashlib.sha256(Path(file).read_bytes()).hexdigest()

    for part in name.split("."):
        thing = getattr(thing, part, None)
        if thing is None:
            raise UserError(f"`{reference}` must name something in `{where}`: it has no `{name}`")
    return thing


def source_digests(tree: Any) -> dict[str, str]:
    """Return the SHA-256 of each source and data file that a configuration's tree names, except data with their SHA-256."""
    return {name: _sha256(name) for name in [*references(tree), *_data_files(tree, known=False)]}


def sources_named(tree: Any) -> list[str]:
    """Return all references and data files in a configuration's tree, opening none."""
    return [*references(tree), *_data_files(tree, known=True)]


def _data_files(tree: Any, known: bool) -> list[str]:
    """Return the data that kinds in a tree name, by path or else by SHA-256; `known`: also those with their SHA-256."""
    fields = [inner for inner in _mappings(tree) if "kind" in inner and (known or not inner.get("sha256"))]
    named = [inner.get("file") or inner.get("sha256") for inner in fields]
    return [file for file in named if isinstance(file, str) and file]


def reference_to(thing: type | Callable[..., Any]) -> str:
    """Return the reference by which a configuration names an imported class or function.

    Raises:
        UserError: it is nested, or was defined interactively, so that no later process could find it.
    """
    module, name = thing.__module__, thing.__qualname__
    file = getattr(sys.modules.get(module), "__file__", None)
    if "<locals>" in name or file is None:
        raise UserError(f"`{name}` must be at the top level of a file, from which a resumed run imports it")
    path = Path(file)
    beside = "." not in module and path.is_relative_to(Path.cwd()) and "site-packages" not in path.parts
    if module == "__main__" or module.startswith(_PREFIX) or beside:
        return f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}:{name}"
    return f"{module}:{name}"


def open_union(union: Any, base: type[Kind], constructed: type[Constructed] | None = None) -> Any:
    """Return the annotation of a field that holds a built-in kind (a discriminated union) or a user's own.

    Args:
        union: of the built-in kinds; or the only one.
        base: the class that a user's own kind must derive from.
        constructed: the configuration for a class that is no configuration itself and derives from `constructed.OF`.
    """

    def validate(value: Any, ours: Callable[[Any], Any]) -> Any:
        if isinstance(value, str):
            # `references` reads configurations as data, and sees a reference only as a `kind`.
            if is_reference(value):
                raise ValueError("must be named by the field `kind`")
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
    """Return the configuration class that a reference names, or `constructed` if it names a class derived from its `OF`.

    Raises:
        ValueError: the reference names neither.
    """
    try:
        cls = load(reference)
    except UserError as error:
        raise ValueError(f"`kind` (={reference}) must be found: {error}") from None
    if not isinstance(cls, type):
        raise ValueError(f"`kind` (={reference}) must be a class, not a {type(cls).__name__}")
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        raise ValueError(f"`kind` (={reference}) must define {', '.join(missing)}")
    if issubclass(cls, base):
        return cls
    if constructed is not None and issubclass(cls, load(constructed.OF)):
        return constructed
    bases = " or ".join([base.__name__, *([constructed.OF] if constructed else [])])
    raise ValueError(f"`kind` (={reference}) must derive from {bases}, and does not")


_PREFIX = "phasescope_own_"
# SHA-256 of the sources that this process executed, by file or module: the files may have changed since.
_IMPORTED: dict[str, str] = {}


def _key(where: str) -> str:
    return str(Path(where).resolve()) if where.endswith(".py") else where


def _module_of_file(path: Path) -> Any:
    """Return the module in a file, imported once under a unique name.

    It can import files in its own folder and, if it is named by a path from the working folder, others by theirs: so
    `studies/flows/kinds.py` imports `studies.codes.kinds`, also in a worker, which has the working folder on no path.
    """
    is_within = len(path.parts) > 1 and not path.is_absolute()
    root = Path.cwd() if is_within else path.resolve().parent
    path = path.resolve()
    name = _PREFIX + hashlib.sha256(str(path).encode()).hexdigest()[:12]
    if name in sys.modules:
        return sys.modules[name]

    source = path.read_bytes()  # not by Python's own loader, which may execute an older .pyc instead
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    _IMPORTED[str(path)] = hashlib.sha256(source).hexdigest()

    try:
        with importable_from(path.parent), importable_from(root):
            exec(compile(source, str(path), "exec", dont_inherit=True), module.__dict__)
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def importable_from(folder: Path) -> Iterator[None]:
    """Make modules in a folder importable within the block, after all that are importable already: nobody named a `torch.py`
    that lies in it."""
    added = str(folder)
    if added in sys.path:
        yield
        return
    sys.path.append(added)
    try:
        yield
    finally:
        with suppress(ValueError):
            sys.path.remove(added)


def _sha256(reference: str) -> str:
    """Return the SHA-256 of a reference's source or of a data file; UserError if it has changed since it was imported."""
    # A data file may have a colon in its path.
    where = "" if Path(reference).is_file() else reference.rpartition(":")[0]
    if not is_reference(reference) or not where or where.endswith(".py"):
        path: Path | None = Path(where or reference)
    else:
        check_source(where, reference)
        outer, *inner = where.split(".")
        spec = importlib.util.find_spec(outer)  # that of the whole name would import the packages around it
        roots = (spec.submodule_search_locations or ()) if spec else ()
        ends = ("/__init__.py", ".py") if inner else ("/__init__.py",)
        files = [Path("/".join([root, *inner]) + end) for root in roots for end in ends]
        origin = Path(spec.origin) if spec and spec.origin and not inner else None
        path = next(filter(Path.is_file, files), origin)

    if path is None or not path.is_file():
        raise UserError(f"`{reference}` must be a file that is there: the run keeps its SHA-256")

    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    if _IMPORTED.get(_key(where), digest) != digest:
        raise UserError(
            f"`{where}` must not change after this process imported it: put it back, or start a new process"
        )
    return digest
