"""Where the members of tar files lie, so that they are read without unpacking."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Sequence
from glob import glob
from pathlib import Path
from typing import NamedTuple

from ..labels import AnnotationError

__all__ = ['TarMember', 'expand_tar_paths', 'index_tar', 'read_member']

BRACE_RANGE = re.compile(r'\{(\d+)\.\.(\d+)\}')


class TarMember(NamedTuple):
    """Where the bytes of a member lie.

    Attributes:
        archive: Path of the tar file.
        offset: Place of the first byte.
        size: Number of bytes.
        name: Name of the member.
    """

    archive: str
    offset: int
    size: int
    name: str

    @property
    def full_name(self) -> str:
        """The archive's path and the member's name, for messages."""
        return f'{self.archive}:{self.name}'


def expand_tar_paths(patterns: str | Sequence[str]) -> list[str]:
    """Return the paths that patterns stand for, in the order of the patterns.

    Args:
        patterns: Paths, with ranges as ``{000..010}`` or with the wildcards of `glob`.
            What a wildcard finds is sorted.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If a range runs backwards.

    Example:
        >>> _expand_ranges('coco/{08..11}.tar')
        ['coco/08.tar', 'coco/09.tar', 'coco/10.tar', 'coco/11.tar']
    """
    patterns = [patterns] if isinstance(patterns, str) else patterns
    paths = []
    for pattern in patterns:
        for path in _expand_ranges(pattern):
            # A file may have such a name itself.
            found = [path] if Path(path).is_file() else sorted(glob(path))
            if not found:
                raise FileNotFoundError(
                    f'The annotation file {path} does not exist'
                    f'{"" if path == pattern else f" (of {pattern})"}. Set data_root '
                    'and ann_file in the config, or with --cfg-options, to where the '
                    'tar files lie.'
                )
            paths.extend(found)
    return paths


def _expand_ranges(pattern: str) -> list[str]:
    found = BRACE_RANGE.search(pattern)
    if found is None:
        return [pattern]
    first, last = found.groups()
    if int(last) < int(first):
        raise ValueError(f'{pattern}: the range {found.group()} runs backwards.')
    return [
        path
        for number in range(int(first), int(last) + 1)
        for path in _expand_ranges(
            f'{pattern[: found.start()]}{number:0{len(first)}d}{pattern[found.end() :]}'
        )
    ]


def index_tar(path: str) -> dict[str, dict[str, TarMember]]:
    """Return the files in a tar by key and, below that, by extension.

    As in webdataset, the key is the name up to the first dot after the last slash, and
    the extension is the rest, here in lower case: ``a/7.data.pyd`` has the key ``a/7``
    and the extension ``data.pyd``.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If it is compressed, damaged, cut off or no tar.
    """
    members: dict[str, dict[str, TarMember]] = {}
    try:
        with tarfile.open(path, 'r:') as tar:
            for member in tar:
                if not member.isfile():
                    continue
                folder, slash, file_name = member.name.rpartition('/')
                stem, _, extension = file_name.partition('.')
                members.setdefault(f'{folder}{slash}{stem}', {})[extension.lower()] = (
                    TarMember(path, member.offset_data, member.size, member.name)
                )
            # tarfile takes a damaged header for the end, which is a block of zeros.
            with open(path, 'rb') as file:
                file.seek(tar.offset)
                if file.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
                    raise tarfile.ReadError(f'no header and no end at {tar.offset}')
    except (tarfile.TarError, EOFError) as error:
        raise AnnotationError(
            f'{path} is not a readable tar file: it is cut off, damaged, or compressed '
            f'({error}). Pictures are read from their place in it, so it must be '
            'uncompressed.'
        ) from error
    return members


def read_member(member: TarMember) -> bytes:
    """Return the bytes of a member."""
    with open(member.archive, 'rb') as file:
        file.seek(member.offset)
        return file.read(member.size)
