"""Content hashes of source files, remembered so that an unchanged big file is not read again.

Comes in: paths. Goes out: SHA-256 of the contents. A file whose size, inode, modification and change time are
those of the last hash keeps it; the change time can't be set back by a program, so an edit is always noticed.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from pathlib import Path

_BIG = 16 * 1024 * 1024
_SETTLED_NANOSECONDS = 2_000_000_000


class FileHashes:
    """The remembered hashes of one system, kept in `store`; `folder` is the system's own, in GUIKE_HOME."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self.folder = store.parent
        self._seen: dict[Path, str] = {}
        self._known: dict[str, list[int | str]] = {}
        if store.exists():
            self._known = json.loads(store.read_text(encoding="utf-8"))

    def of(self, path: Path) -> str:
        """The hash of the contents of `path`, in hex; taken once per run, before anything of it is read."""
        if path not in self._seen:
            self._seen[path] = self._hash(path)
        return self._seen[path]

    def _hash(self, path: Path) -> str:
        state = path.stat()
        marks = [state.st_size, state.st_ino, state.st_mtime_ns, state.st_ctime_ns]
        known = self._known.get(str(path))
        if known and known[:-1] == marks:
            return str(known[-1])
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        # A file changed a moment ago could change again within the clock's resolution.
        if state.st_size >= _BIG and time.time_ns() - state.st_ctime_ns > _SETTLED_NANOSECONDS:
            self._known[str(path)] = [*marks, digest]
            self._save()
        return digest

    def _save(self) -> None:
        self._store.parent.mkdir(parents=True, exist_ok=True)
        beside = self._store.with_suffix(".new")
        beside.write_text(json.dumps(self._known), encoding="utf-8")
        os.replace(beside, self._store)
