"""The commit of a folder, asked of git without executing what the folder's repository names."""

import hashlib
import os
import subprocess
from pathlib import Path


def commit_of(folder: Path) -> str:
    """Return the commit that is checked out in a folder; empty outside of git.

    It ends in `-dirty` if Python files differ from it: records that a study writes beside them change nothing that runs
    execute.
    """
    commit = git(folder, "rev-parse", "--short=12", "HEAD")
    root = git(folder, "rev-parse", "--show-toplevel")
    if not commit or not root:
        return ""
    return f"{commit}-dirty" if _has_changed(Path(root)) else commit


def _has_changed(root: Path) -> bool:
    """Return whether a Python file of a repository differs from the commit, or is new.

    `git status` would execute the filters that the repository's own settings name: contents are compared here instead.
    """
    committed = git(root, "ls-tree", "-r", "-z", "--full-tree", "HEAD") or ""
    for entry in filter(None, committed.split("\0")):
        description, _, name = entry.partition("\t")
        _, kind, digest = description.split()
        if kind == "blob" and name.endswith(".py") and _blob_digest(root / name, len(digest)) != digest:
            return True
    return bool(git(root, "ls-files", "--others", "--exclude-standard", "--", ":/*.py"))


def _blob_digest(path: Path, digits: int) -> str | None:
    """Return the name that git gives to a file's contents, of 40 hexadecimal digits or of 64; None if it is no file."""
    if path.is_symlink():
        content = os.fsencode(os.readlink(path))
    elif path.is_file():
        content = path.read_bytes()
    else:
        return None
    digest = hashlib.sha1 if digits == 40 else hashlib.sha256
    return digest(b"blob %d\0" % len(content) + content).hexdigest()


def git(folder: Path, *words: str) -> str | None:
    """Return the output of a git command in a folder; None outside of a repository or without git.

    A folder may come from a stranger's archive, and its repository's settings name programs: monitors of files, hooks, and
    what fetches objects that are missing. None is executed.
    """
    off = ["-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *off, *words],
            env={**os.environ, "GIT_ALLOW_PROTOCOL": "none", "GIT_OPTIONAL_LOCKS": "0"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=5,
            check=True,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
