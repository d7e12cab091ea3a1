"""The manifest: check sums of a rendered data set, and the comparison of two."""

import hashlib
import importlib.metadata
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from mmengine.logging import MMLogger

from deforhmr_mm.whole_files import write_json

from .recipe import VERSION

MANIFEST_FILE = 'manifest.json'
PACKAGES = ('numpy', 'scipy', 'opencv-python-headless', 'opencv-python', 'embreex')
SUMMED = ('center', 'scale', 'coco', 'pose', 'shape', 'S', 'transl', 'focal_l')
CLOSE = 1e-4  # relative difference of sums that rounding may make
# The same of means with their sign, beside the root of the mean square. Flags of few
# people (inside, seen) may move it by one that is at the threshold.
CLOSE_MOMENTS = 1e-3


class Verdict(NamedTuple):
    """What the comparison of a split says, and whether it is but rounding."""

    line: str
    agrees: bool


def split_entry(out: Path, split: str) -> dict:
    """What identifies a rendered split.

    Keys: `people`, `pictures`, `annotations` (SHA-256 of the values of the annotation
    file), `folders` (folder of pictures -> SHA-256 over the names and bytes of those
    that have labels), `means` (some keys -> mean of the absolute values) and `moments`
    (every key of numbers -> mean and mean square; manifests of before lack them).
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
        'moments': {
            key: _moments(values)
            for key, values in sorted(data.items())
            if values.dtype.kind in 'fiu'
        },
        'folders': {f: _folder_digest(out, own) for f, own in folders.items()},
    }


def _moments(values: np.ndarray) -> list[float]:
    values = values.astype(np.float64)
    return [float(values.mean()), float((values**2).mean())]


def _folder_digest(out: Path, names: list[str]) -> str:
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(name.encode())
        digest.update((out / name).read_bytes())
    return digest.hexdigest()


def rendering_packages(out: Path) -> dict[str, str]:
    """Versions of the packages that a data set was begun with, or is begun with now.

    Where others are installed by now a warning says so: pictures that come to it may
    differ in the last bits from those of the older ones.
    """
    installed = {}
    for name in PACKAGES:
        try:
            installed[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    path = out / MANIFEST_FILE
    begun = json.loads(path.read_text()).get('packages') if path.exists() else None
    if begun is None:
        return installed
    others = [
        f'{name} {begun.get(name, "(none)")}, now {installed.get(name, "(none)")}'
        for name in PACKAGES
        if begun.get(name) != installed.get(name)
    ]
    if others:
        MMLogger.get_current_instance().warning(
            '%s: rendered with %s; what comes to it may not be the same bytes as with '
            'the former, which stay in the manifest',
            out,
            '; '.join(others),
        )
    return begun


def write_manifest(
    out: Path,
    seed: int,
    fingerprint: str,
    packages: dict[str, str],
    splits: list[str],
) -> Path:
    """Write the manifest of the splits; those of an earlier one stay in it."""
    path = out / MANIFEST_FILE
    found = json.loads(path.read_text()) if path.exists() else {'splits': {}}
    manifest = {
        'version': VERSION,
        'seed': seed,
        'body_fingerprint': fingerprint,
        'packages': packages,
        'splits': {**found['splits'], **{s: split_entry(out, s) for s in splits}},
    }
    write_json(path, manifest)
    return path


def compare(reference: dict, found: dict, splits: Iterable[str]) -> list[Verdict]:
    """How a data set differs from a reference, in some splits.

    A line says that a split is the same to the byte; or that pictures differ while
    labels agree but for rounding, as on another kind of machine; or what is wrong.
    Rounding is what leaves each key's mean of absolute values, mean and mean square as
    they were, of those that both have.

    Args:
        reference: A manifest.
        found: The manifest of the data set.
        splits: Names of what is compared.
    """
    return [
        _verdict(split, reference['splits'].get(split), found['splits'].get(split))
        for split in splits
    ]


def _verdict(split: str, wanted: dict | None, got: dict | None) -> Verdict:
    if wanted is None:
        return Verdict(f'{split}: not in the reference', False)
    if got is None:
        return Verdict(f'{split}: missing', False)
    if got['people'] != wanted['people']:
        line = f'{split}: expected {wanted["people"]} people, got {got["people"]}'
        return Verdict(line, False)
    folders = set(wanted['folders']) | set(got['folders'])
    other = sum(wanted['folders'].get(f) != got['folders'].get(f) for f in folders)
    exact = got['annotations'] == wanted['annotations']
    if exact and not other:
        return Verdict(f'{split}: the same bytes', True)
    far = [] if exact else _other_labels(wanted, got)
    if far:
        return Verdict(f'{split}: other labels: {", ".join(far)}', False)
    how = 'are the same bytes' if exact else 'agree but for rounding'
    line = (
        f'{split}: {other} of {len(folders)} folders of pictures differ, labels {how}'
    )
    return Verdict(line, True)


def _other_labels(wanted: dict, got: dict) -> list[str]:
    """Keys whose sums differ by more than rounding makes."""
    far = {
        key
        for key, value in wanted['means'].items()
        if abs(got['means'][key] - value) > CLOSE * abs(value)
    }
    ours, theirs = got.get('moments', {}), wanted.get('moments', {})
    for key in ours.keys() & theirs.keys():
        (mean, square), (wanted_mean, wanted_square) = ours[key], theirs[key]
        if (
            abs(mean - wanted_mean) > CLOSE_MOMENTS * wanted_square**0.5
            or abs(square - wanted_square) > CLOSE_MOMENTS * wanted_square
        ):
            far.add(key)
    return sorted(far)
