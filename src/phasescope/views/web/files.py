"""The files of the page: those of `static/`, the palette, the terms and Preact."""

from functools import cache
from importlib import resources
from pathlib import Path

from phasescope.runs.store.files import to_json
from phasescope.views.facts.palette import ON_DATA, PALETTE, PHASE_COLOURS, TARGET
from phasescope.views.facts.terms import tree

STATIC = resources.files("phasescope.views.web") / "static"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
}


@cache
def page_file(name: str) -> bytes | None:
    """Return the content of a file of the page, by its name; None if there is no such file."""
    if name == "palette.css":
        return _palette().encode()
    if name == "terms.js":
        return "".join(
            f"export const {key.upper()} = {to_json(value)};\n" for key, value in tree().items()
        ).encode()
    known = {path.name: path for folder in (STATIC, STATIC / "vendor") for path in folder.iterdir()}
    return known[name].read_bytes() if name in known and Path(name).suffix in TYPES else None


def style() -> str:
    """Return the palette and the style of all pages, for a file that carries them."""
    return _palette() + (STATIC / "explorer.css").read_text(encoding="utf-8")


def _css_variables(dark: bool) -> str:
    """Return the palette as CSS custom properties, ``--ink: #1b1f24; ...``."""
    return " ".join(f"--{name}: {pair[dark]};" for name, pair in PALETTE.items())


def _palette() -> str:
    """Return the colours as CSS variables, in both schemes."""
    both = {f"phase-{name}": colour for name, colour in PHASE_COLOURS.items()}
    both |= {"on-data": ON_DATA, "target": TARGET}
    shared = " ".join(f"--{name}: {colour};" for name, colour in both.items())
    return (
        f":root {{ color-scheme: light dark; {_css_variables(dark=False)} {shared} }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ {_css_variables(dark=True)} }} }}\n"
    )
