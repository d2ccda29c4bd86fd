"""Whether a module's file was edited after this process imported it: it then executes code that its file no longer holds."""

import importlib.util
import time
from pathlib import Path
from types import ModuleType

# `phasescope/__init__.py` imports this first, usually beside what its user imports.
STARTED = time.time()
# A .pyc begins with a magic number and flags, four bytes each, then what identifies its source: time and size, or a hash.
IDENTITY, HASHED = slice(8, 16), 1


def edited_since_imported(module: ModuleType) -> bool:
    """Return whether the file of an imported module has changed since, as far as can be known.

    Python keeps no record of what it executed, but the .pyc that it wrote names the source. Without one, a file that was
    changed after phasescope was imported counts as edited.
    """
    file = Path(str(module.__file__))
    stat = file.stat()
    if stat.st_mtime <= STARTED:
        return False
    try:
        header = Path(str(module.__cached__)).read_bytes()[:16]
    except (AttributeError, OSError):
        return True
    if int.from_bytes(header[4:8], "little") & HASHED:
        return header[IDENTITY] != importlib.util.source_hash(file.read_bytes())
    now = [int(number) & 0xFFFFFFFF for number in (stat.st_mtime, stat.st_size)]
    return header[IDENTITY] != b"".join(number.to_bytes(4, "little") for number in now)
