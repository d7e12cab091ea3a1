"""A file backend whose files are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from mmengine.fileio import LocalBackend, register_backend

__all__ = ['ATOMIC', 'LEFTOVER_SUFFIX', 'AtomicLocalBackend']

ATOMIC = 'deforhmr_mm.atomic'
LEFTOVER_SUFFIX = '.part'


class AtomicLocalBackend(LocalBackend):
    """mmengine's local files, written beside their place and then renamed.

    A full disk, a killed process or a machine that goes down leaves the file as it was
    before. ``backend_args=dict(backend='deforhmr_mm.atomic')`` chooses it.
    """

    def put(self, obj: bytes, filepath: str | Path) -> None:
        """Write a file; missing folders are made.

        Raises:
            OSError: If there is no room, or the place cannot be written to.
        """
        path = Path(filepath)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(path.name + LEFTOVER_SUFFIX)
        try:
            with open(part, 'wb') as file:
                file.write(obj)
                file.flush()
                # Else the new name may reach the disk before the bytes do.
                os.fsync(file.fileno())
            os.replace(part, path)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise OSError(
                error.errno,
                f'cannot be written ({error.strerror}); what was there before is whole',
                str(path),
            ) from error

    def put_text(self, obj: str, filepath: str | Path, encoding: str = 'utf-8') -> None:
        """Write a text file, as `put` does."""
        self.put(obj.encode(encoding), filepath)


register_backend(ATOMIC, AtomicLocalBackend, force=True)
