"""Files of a conversion: the result written whole, parts that a later run reuses."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from deforhmr_mm.whole_files import whole_file

from ..labels import AnnotationError
from .columns import Columns

__all__ = ['PartStore', 'input_key', 'expect_pictures', 'write_npz']

_KEY = 'made_from'


def write_npz(path: Path, arrays: Columns) -> None:
    """Write an npz file whole or not at all; the same arrays give the same bytes."""
    with whole_file(path) as part, part.open('wb') as file:
        np.savez_compressed(file, **arrays)


def input_key(files: Iterable[Path], settings: dict[str, Any]) -> str:
    """Fingerprint of what a part is made from.

    It changes with a file's name, size or time of change, and with the settings.

    Raises:
        FileNotFoundError: If a file is not there.
    """
    found = []
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(f'there is no file {file}')
        status = file.stat()
        found.append([file.name, status.st_size, status.st_mtime_ns])
    text = json.dumps([found, settings], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


class PartStore:
    """Finished parts of a conversion, in a folder beside its result.

    Args:
        out: The file that the conversion will write.
    """

    def __init__(self, out: Path) -> None:
        self.folder = out.with_name(f'{out.name}.parts')

    def load(self, name: str, key: str) -> Columns | None:
        """A part, or None if it is not there or was made from something else."""
        path = self._path(name)
        if not path.is_file():
            return None
        try:
            with np.load(path, allow_pickle=False) as stored:
                if _KEY not in stored.files or str(stored[_KEY]) != key:
                    return None
                return {k: stored[k] for k in stored.files if k != _KEY}
        except (ValueError, OSError, EOFError, zipfile.BadZipFile):
            return None

    def save(self, name: str, key: str, columns: Columns) -> None:
        """Keep a part."""
        write_npz(self._path(name), {**columns, _KEY: np.array(key)})

    def clear(self) -> None:
        """Delete the parts."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, name: str) -> Path:
        return self.folder / f'{name.replace(os.sep, "__")}.npz'


def expect_pictures(root: Path, names: np.ndarray) -> None:
    """Check that pictures are there.

    Raises:
        AnnotationError: If some are not.
    """
    different = sorted(set(names.tolist()))
    missing = [name for name in different if not (root / name).is_file()]
    if missing:
        raise AnnotationError(
            f'{len(missing)} of {len(different)} pictures are not under {root}, the '
            f'first of them {missing[0]}.'
        )
