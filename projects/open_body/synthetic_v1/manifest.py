"""The manifest: check sums of a rendered data set, and the comparison of two."""

import hashlib
import importlib.metadata
import json
from pathlib import Path

import numpy as np
from synthetic.writer import write_bytes

from .recipe import VERSION

MANIFEST_FILE = 'manifest.json'
PACKAGES = ('numpy', 'scipy', 'opencv-python-headless', 'opencv-python', 'embreex')
SUMMED = ('center', 'scale', 'coco', 'pose', 'shape', 'S', 'transl', 'focal_l')
CLOSE = 1e-4  # relative difference of sums that rounding may make


def split_entry(out: Path, split: str) -> dict:
    """What identifies a rendered split.

    Keys: `people`, `pictures`, `annotations` (SHA-256 of the values of the annotation
    file), `folders` (folder of pictures -> SHA-256 over the names and bytes of those
    that have labels) and `means` (key -> mean of its absolute values).
    """
    with np.load(out / 'annotations' / f'{split}.npz') as file:
        data = {key: file[key] for key in file.files}
    names = list(dict.fromkeys(data['imgname'].tolist()))
    folders: dict[str, list[str]] = {}
    for name in names:
        folders.setdefault(Path(name).parent.name, []).append(name)
    values = hashlib.sha256()
    for key in sorted(data):
        values.update(key.encode() + np.ascontiguousarray(data[key]).tobytes())
    return {
        'people': len(data['imgname']),
        'pictures': len(names),
        'annotations': values.hexdigest(),
        'means': {key: float(np.abs(data[key]).mean()) for key in SUMMED},
        'folders': {f: _folder_digest(out, own) for f, own in folders.items()},
    }


def _folder_digest(out: Path, names: list[str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(name.encode())
        digest.update((out / name).read_bytes())
    return digest.hexdigest()


def write_manifest(out: Path, seed: int, fingerprint: str, splits: list[str]) -> Path:
    """Write the manifest of the splits; those of an earlier one stay in it."""
    path = out / MANIFEST_FILE
    found = json.loads(path.read_text()) if path.exists() else {'splits': {}}
    packages = {}
    for name in PACKAGES:
        try:
            packages[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    manifest = {
        'version': VERSION,
        'seed': seed,
        'body_fingerprint': fingerprint,
        'packages': packages,
        'splits': {**found['splits'], **{s: split_entry(out, s) for s in splits}},
    }
    write_bytes(path, (json.dumps(manifest, indent=1) + '\n').encode())
    return path


def compare(reference: dict, found: dict) -> list[str]:
    """How a data set differs from a reference, a line for each split of both.

    A line says that a split is the same to the byte; or that pictures differ while
    labels agree but for rounding, as on another kind of machine; or what is wrong.
    """
    lines = []
    for split, wanted in reference['splits'].items():
        got = found['splits'].get(split)
        if got is None:
            lines.append(f'{split}: missing')
            continue
        if got == wanted:
            lines.append(f'{split}: the same bytes')
            continue
        if got['people'] != wanted['people']:
            lines.append(
                f'{split}: expected {wanted["people"]} people, got {got["people"]}'
            )
            continue
        folders = set(wanted['folders']) | set(got['folders'])
        other = sum(wanted['folders'].get(f) != got['folders'].get(f) for f in folders)
        far = [
            key
            for key, value in wanted['means'].items()
            if abs(got['means'][key] - value) > CLOSE * abs(value)
        ]
        if far:
            lines.append(f'{split}: other labels: {", ".join(far)}')
            continue
        exact = got['annotations'] == wanted['annotations']
        how = 'are the same bytes' if exact else 'agree but for rounding'
        lines.append(
            f'{split}: {other} of {len(folders)} folders of pictures differ, '
            f'labels {how}'
        )
    return lines
