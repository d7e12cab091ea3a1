"""Files of a shard: features, labels and metadata, readable by numpy alone.

A shard of n rows, ``view000/00000`` for the first samples' first view, has

- ``.features.npy``: (n, C, H, W) in float16 or float32; bfloat16, which numpy lacks, as
  its bits in uint16
- ``.labels.npy``: (n, D) float32, the labels of a sample in one row; the manifest has
  name and shape of each
- ``.metainfo.jsonl``: n lines of JSON (`encode_metainfo`)
- ``.done.json``: the record of these files, until the manifest has taken it up
"""

from __future__ import annotations

import hashlib
import io
import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from .manifest import FeatureCacheError, Shard

__all__ = [
    'DTYPES',
    'NewFile',
    'array_header',
    'check_files',
    'map_array',
    'map_bytes',
    'shard_stem',
    'verify_files',
]

CHUNK = 1 << 22


class StoredType(NamedTuple):
    """Type of the features in torch and in the file."""

    torch: torch.dtype
    numpy: str


DTYPES = {
    'float16': StoredType(torch.float16, '<f2'),
    'bfloat16': StoredType(torch.bfloat16, '<u2'),
    'float32': StoredType(torch.float32, '<f4'),
}


def shard_stem(shard: Shard, shard_size: int) -> str:
    """Path of a shard's files inside the cache, without their endings."""
    return f'view{shard.view:03d}/{shard.start // shard_size:05d}'


class NewFile:
    """A file that gets its name when it is whole, and is hashed on the way.

    Args:
        folder: Folder of the cache.
        name: Path in it.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self._name = name
        self._path = folder / name
        self._temporary = self._path.with_name(f'.{self._path.name}.part')
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = open(self._temporary, 'wb')
        self._digest = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes | np.ndarray) -> None:
        """Append bytes, or an array's numbers in C order."""
        if isinstance(data, np.ndarray):
            data = np.ascontiguousarray(data).reshape(-1).view(np.uint8).data
        self._file.write(data)
        self._digest.update(data)
        self._size += len(data)

    def finish(self) -> dict[str, Any]:
        """Close the file, give it its name, and return its record."""
        self._file.close()
        os.replace(self._temporary, self._path)
        digest = self._digest.hexdigest()
        return {'name': self._name, 'size': self._size, 'sha256': digest}

    def discard(self) -> None:
        """Drop the file; nothing happens if it is finished."""
        self._file.close()
        self._temporary.unlink(missing_ok=True)


def array_header(descr: str, shape: tuple[int, ...]) -> bytes:
    """Return the head of an .npy file; the numbers follow it in C order."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {'descr': descr, 'fortran_order': False, 'shape': shape}
    )
    return header.getvalue()


def map_bytes(path: Path) -> Tensor:
    """Map a file into memory as (size,) uint8; pages are read when looked at.

    torch's mapping, unlike numpy's, holds no file descriptor, of which a process may
    have 1024 and a large cache needs more. Writing to it does not reach the file.

    Raises:
        FeatureCacheError: If the file is missing or empty.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise FeatureCacheError(
            f'The cache file {path} cannot be read: {error.strerror}.'
        ) from error
    if size == 0:
        raise FeatureCacheError(f'The cache file {path} is empty.')
    return torch.from_file(str(path), shared=False, size=size, dtype=torch.uint8)


def map_array(
    path: Path, descr: str, shape: tuple[int, ...], dtype: torch.dtype
) -> Tensor:
    """Map an .npy file into memory.

    Args:
        path: The file.
        descr: Type that the file must have, as numpy writes it.
        shape: Shape that it must have.
        dtype: Type of the result, of the same size.

    Returns:
        A tensor of `shape`.

    Raises:
        FeatureCacheError: If the file is missing, damaged, or of other type or shape.
    """
    data = map_bytes(path)
    start = _start_of_numbers(path, descr, shape)
    size = torch.Size(shape).numel() * dtype.itemsize
    if start is None or len(data) != start + size:
        raise FeatureCacheError(
            f'The cache file {path} is damaged: it is no .npy file of {descr} {shape}, '
            f'or not a whole one ({len(data)} bytes).'
        )
    return data[start:].view(dtype).view(shape)


def _start_of_numbers(path: Path, descr: str, shape: tuple[int, ...]) -> int | None:
    """Where the header of an .npy file ends; None if it is not the expected one."""
    with open(path, 'rb') as file:
        try:
            if np.lib.format.read_magic(file) != (1, 0):
                return None
            found = np.lib.format.read_array_header_1_0(file)
        except ValueError:
            return None
        return file.tell() if found == (shape, False, np.dtype(descr)) else None


def check_files(folder: Path, record: dict[str, Any]) -> None:
    """Check that a shard's files are there and have the size that they were given.

    Raises:
        FeatureCacheError: If not; it names the file.
    """
    for file in record['files'].values():
        path = folder / file['name']
        try:
            size = path.stat().st_size
        except OSError as error:
            raise FeatureCacheError(
                f'The cache file {path} cannot be read: {error.strerror}. Run '
                'tools/cache_features.py again to replace it.'
            ) from error
        if size != file['size']:
            raise FeatureCacheError(
                f'The cache file {path} is damaged: it has {size} bytes, but was '
                f'written with {file["size"]}. Delete it and run '
                'tools/cache_features.py again to replace it.'
            )


def verify_files(folder: Path, record: dict[str, Any]) -> None:
    """Compare the checksums of a shard's files with the recorded ones.

    Raises:
        FeatureCacheError: If one differs; it names the file.
    """
    check_files(folder, record)
    for file in record['files'].values():
        path = folder / file['name']
        digest = hashlib.sha256()
        with open(path, 'rb') as stream:
            while chunk := stream.read(CHUNK):
                digest.update(chunk)
        if digest.hexdigest() != file['sha256']:
            raise FeatureCacheError(
                f'The cache file {path} is damaged: its checksum differs from the one '
                'that it was written with. Delete it and run tools/cache_features.py '
                'again to replace it.'
            )
