"""A kind is offered because its file lies in the folder."""

import importlib
import sys
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from phasescope.core.built_in_kinds import built_in_kinds
from phasescope.core.kinds import Kind, open_union

BASE = "from phasescope.core.kinds import Kind\n\n\nclass Shape(Kind):\n    sides: int = 0\n"
OF_KIND = """
from typing import Literal

from shapes_of_test.base import Shape


class {name}(Shape):
    kind: Literal["{kind}"] = "{kind}"
"""


@pytest.fixture
def shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with a base class, a kind in a file, and one in a folder's configuration."""
    package = tmp_path / "shapes_of_test"
    (package / "circle").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "base.py").write_text(BASE)
    (package / "square.py").write_text(OF_KIND.format(name="Square", kind="square"))
    (package / "circle" / "__init__.py").write_text("")
    (package / "circle" / "config.py").write_text(OF_KIND.format(name="Circle", kind="circle"))
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in [name for name in sys.modules if name.partition(".")[0] == package.name]:
        monkeypatch.delitem(sys.modules, name)
    return package


def kinds_of(package: Path, usual: str, files: bool = True) -> list[str]:
    importlib.import_module(package.name)
    base = importlib.import_module(f"{package.name}.base").Shape
    first = getattr(importlib.import_module(f"{package.name}.{usual.lower()}"), usual)
    union = built_in_kinds(package.name, base, first, files)
    return [cls.model_fields["kind"].default for cls in getattr(union, "__args__", (union,))]


def test_the_usual_kind_comes_first_and_the_others_by_name(shapes: Path):
    (shapes / "arc.py").write_text(OF_KIND.format(name="Arc", kind="arc"))
    assert kinds_of(shapes, "Square") == ["square", "arc", "circle"]


def test_a_new_file_is_a_kind_of_configurations(shapes: Path):
    (shapes / "star.py").write_text(OF_KIND.format(name="Star", kind="star"))
    kinds_of(shapes, "Square")
    base = importlib.import_module("shapes_of_test.base").Shape
    square = importlib.import_module("shapes_of_test.square").Square
    annotation = open_union(built_in_kinds(shapes.name, base, square), base)
    chosen = TypeAdapter(annotation).validate_python({"kind": "star", "sides": 5})
    assert (type(chosen).__name__, chosen.sides) == ("Star", 5)
    assert isinstance(chosen, Kind)


def test_files_that_are_slow_to_import_may_be_left_alone(shapes: Path):
    (shapes / "slow.py").write_text("raise AssertionError('this file is imported')\n")
    importlib.import_module(shapes.name)
    base = importlib.import_module(f"{shapes.name}.base").Shape
    circle = importlib.import_module(f"{shapes.name}.circle.config").Circle
    assert built_in_kinds(shapes.name, base, circle, files=False) is circle


def test_two_classes_of_one_kind_are_refused(shapes: Path):
    (shapes / "box.py").write_text(OF_KIND.format(name="Box", kind="square"))
    with pytest.raises(TypeError, match=r"`kind` \(=square\) must be of one class"):
        kinds_of(shapes, "Square")
