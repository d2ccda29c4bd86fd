"""Execute the notebooks of docs/notebooks and keep what they show: python -m tools.notebooks [NAME ...]

Each runs in an empty folder. What is kept has no times, no paths of the machine, and no bars.
"""

from __future__ import annotations

import base64
import io
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from PIL import Image

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "docs" / "notebooks"
TIMEOUT_S = 1200
MOST_BYTES = 400_000
"""of a notebook with its outputs"""


def executed(path: Path, folder: Path) -> Any:
    """The notebook in a file, executed from top to bottom within a folder.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook: Any = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=TIMEOUT_S, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return notebook


def tidied(notebook: Any, folder: Path) -> Any:
    """The notebook without what differs between two executions, or names this machine."""
    for cell in notebook.cells:
        cell.metadata = {}
        if cell.cell_type != "code":
            continue
        kept = []
        for output in cell.outputs:
            if output.output_type == "stream" and output.name == "stderr":
                continue
            if "application/vnd.jupyter.widget-view+json" in output.get("data", {}):
                continue
            if output.output_type == "display_data" and not output.data.get("text/plain", "-").strip():
                continue  # a bar that is gone
            if output.output_type == "stream":
                output.text = without_paths(output.text, folder)
            for kind, content in output.get("data", {}).items():
                if kind == "image/png":
                    output.data[kind] = of_a_palette(content)
                if kind.startswith("text/"):
                    output.data[kind] = without_paths(content, folder)
            output.pop("metadata", None)
            if output.output_type != "stream":
                output.metadata = {}
            kept.append(output)
        cell.outputs = kept
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = {"name": "python"}
    return notebook


def of_a_palette(png: str) -> str:
    """The picture, base64, in at most 255 colours: a third of the bytes, and no difference that the eye sees."""
    kept = io.BytesIO()
    Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB").quantize(255).save(
        kept, "PNG", optimize=True
    )
    return base64.b64encode(kept.getvalue()).decode()


def without_paths(text: str, folder: Path) -> str:
    """The text without the machine's paths and lines of progress."""
    for path, name in ((folder, "."), (ROOT, ".")):
        text = re.sub(re.escape(str(path)), name, text)
    return re.sub(r"^\w+: \d+ of \d+, [\d:]+ so far\n", "", text, flags=re.MULTILINE)


def main(names: list[str]) -> None:
    import nbformat

    for path in sorted(NOTEBOOKS.glob("*.ipynb")):
        if names and path.stem not in names:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            notebook = tidied(executed(path, folder), folder)
        nbformat.validate(notebook)
        nbformat.write(notebook, path)
        size = path.stat().st_size
        print(f"{path.relative_to(ROOT)}: {len(notebook.cells)} cells, {size:,} bytes")
        if size > MOST_BYTES:
            raise SystemExit(f"{path.name} must have at most {MOST_BYTES:,} bytes")


if __name__ == "__main__":
    main(sys.argv[1:])
