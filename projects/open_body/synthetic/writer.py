"""The data set's files: pictures, one record for each picture, annotation files.

A picture's record is written after the picture itself, so a record means that the
picture is whole; an interrupted run goes on from there.
"""

import io
import json
from pathlib import Path

import numpy as np

from deforhmr_mm.whole_files import write_bytes

from .labels import Labels
from .scene import Picture

PICTURES_PER_FOLDER = 1000
SETTINGS_FILE = 'settings.json'


def npz_bytes(arrays: dict[str, np.ndarray]) -> bytes:
    """The bytes of an npz file; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


class SplitWriter:
    """Files of one split under an output folder.

    Args:
        out: The data set's folder.
        split: Name of the split.
        fields: Keys of a person's labels.
    """

    def __init__(
        self, out: Path, split: str, fields: tuple[str, ...] = Labels._fields
    ) -> None:
        self.out = out
        self.split = split
        self.fields = fields

    def picture_name(self, index: int) -> str:
        """Path of a picture relative to the output folder."""
        folder = f'{index // PICTURES_PER_FOLDER:05d}'
        return f'images/{self.split}/{folder}/{index:06d}.jpg'

    @property
    def annotation_path(self) -> Path:
        """File of the split's labels."""
        return self.out / 'annotations' / f'{self.split}.npz'

    def record_path(self, index: int) -> Path:
        """Path of a picture's record."""
        folder = f'{index // PICTURES_PER_FOLDER:05d}'
        return self.out / 'records' / self.split / folder / f'{index:06d}.npz'

    def write(self, index: int, picture: Picture) -> None:
        """Write a picture and its record."""
        write_bytes(self.out / self.picture_name(index), picture.jpeg)
        arrays = {}
        for key in self.fields:
            values = [np.asarray(getattr(label, key)) for label in picture.labels]
            arrays[key] = np.stack(values) if values else np.zeros(0)
        write_bytes(self.record_path(index), npz_bytes(arrays))

    def count(self, index: int) -> int:
        """Number of labelled people of a finished picture, -1 if it is not finished."""
        path = self.record_path(index)
        if not path.exists():
            return -1
        with np.load(path) as record:
            return len(record['scale'])

    def refuse_cut(self, people: int) -> None:
        """Refuse to annotate fewer people than there are annotated.

        Raises:
            ValueError: The annotation file has more rows.
        """
        path = self.annotation_path
        if not path.exists():
            return
        with np.load(path) as file:
            found = len(file['person_id'])
        if found > people:
            raise ValueError(
                f'{path}: expected at most {people} people, got {found}: a larger '
                'split is not cut; choose another --out, or delete the file'
            )

    def annotate(self, counts: list[int], people: int, fingerprint: str) -> Path:
        """Gather records into the split's annotation file.

        Args:
            counts: Labelled people of pictures 0, 1, ...
            people: Rows of the file; people beyond it are left out.
            fingerprint: Of the body that pose and shape belong to.
        """
        columns: dict[str, list[np.ndarray]] = {key: [] for key in self.fields}
        names: list[str] = []
        for index, count in enumerate(counts):
            if not count:
                continue
            names += [self.picture_name(index)] * count
            with np.load(self.record_path(index)) as record:
                for key in columns:
                    columns[key].append(record[key])
        arrays = {'imgname': np.array(names[:people])}
        for key, parts in columns.items():
            values = np.concatenate(parts)[:people]
            # Box, pixels and metres hold in single precision; angles stay double.
            arrays[key] = values if key == 'pose' else values.astype(np.float32)
        arrays['has_smpl'] = np.ones(people, dtype=np.float32)
        arrays['gender'] = np.full(people, 'n')
        arrays['person_id'] = np.arange(people)
        arrays['body_fingerprint'] = np.array(fingerprint)
        write_bytes(self.annotation_path, npz_bytes(arrays))
        return self.annotation_path


def check_settings(out: Path, settings: dict) -> None:
    """Remember what a folder was made with, or compare with what it was made with.

    Raises:
        ValueError: The folder holds a data set of other settings.
    """
    path = out / SETTINGS_FILE
    if path.exists():
        found = json.loads(path.read_text())
        # Also what only the folder has: each kind of data set has settings of its own.
        keys = sorted({*found, *settings})
        different = [key for key in keys if found.get(key) != settings.get(key)]
        if different:
            raise ValueError(
                f'{out} was made with other settings: '
                + ', '.join(f'{k}={found.get(k)!r}' for k in different)
                + f', now {", ".join(f"{k}={settings.get(k)!r}" for k in different)}; '
                'choose another --out, or delete the folder'
            )
        return
    write_bytes(path, json.dumps(settings, indent=2, sort_keys=True).encode())
