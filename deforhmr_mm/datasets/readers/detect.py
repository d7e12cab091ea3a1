"""Which family an ``.npz`` annotation file is of, and reading it by that."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from mmengine.logging import MMLogger

from ..labels import AnnotationError, LabelRecord
from .bedlam import read_bedlam_npz
from .hmr2 import read_hmr2_npz
from .humandata import read_humandata_npz
from .npz import npz_keys
from .rich import read_rich_npz
from .spin import read_spin_npz

__all__ = ['FAMILIES', 'detect_family', 'read_npz_labels']

Reader = Callable[[str | Path, str, float], LabelRecord]


@dataclass(frozen=True)
class Family:
    """A family of annotation files.

    Attributes:
        read: Its reader.
        needs: Keys by which it is told, all of them.
        one_of: Keys of which a file of the family has at least one.
    """

    read: Reader
    needs: tuple[str, ...]
    one_of: tuple[str, ...] = ()

    def fits(self, keys: Iterable[str]) -> bool:
        """Whether a file with these keys is of the family."""
        keys = set(keys)
        return keys.issuperset(self.needs) and (
            not self.one_of or not keys.isdisjoint(self.one_of)
        )

    def __str__(self) -> str:
        """Return the keys in words."""
        text = ', '.join(self.needs)
        return f'{text} and one of {", ".join(self.one_of)}' if self.one_of else text


_BOX = ('imgname', 'center', 'scale')
# In the order in which they are tried: the keys of SPIN are the least its own.
FAMILIES = {
    'humandata': Family(read_humandata_npz, ('image_path', 'bbox_xywh')),
    'rich': Family(read_rich_npz, ('imgname', 'smplx_grot', 'smplx_pose')),
    'bedlam': Family(read_bedlam_npz, (*_BOX, 'pose_cam')),
    'hmr2': Family(
        read_hmr2_npz,
        _BOX,
        (
            *('body_pose', 'body_keypoints_2d', 'extra_keypoints_2d'),
            *('body_keypoints_3d', 'extra_keypoints_3d'),
        ),
    ),
    'spin': Family(read_spin_npz, _BOX, ('part', 'openpose', 'pose', 'S')),
}


def detect_family(path: str | Path) -> str:
    """Tell the family of an annotation file by its keys.

    Args:
        path: An ``.npz`` file.

    Returns:
        'spin' (also CLIFF's pseudo-labels and this project's own files), 'hmr2',
        'bedlam', 'humandata' or 'rich'.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If it is not a readable ``.npz``, or of none of the families.
    """
    keys = npz_keys(path)
    for name, family in FAMILIES.items():
        if family.fits(keys):
            return name
    known = '; '.join(f'{name}: {family}' for name, family in FAMILIES.items())
    raise AnnotationError(
        f'{path} is of no known family of annotation files. It has the keys '
        f'{", ".join(sorted(keys)) or "(none)"}. What a family needs is: {known}. '
        "Where the file is of one of them all the same, set 'family' to it."
    )


def read_npz_labels(
    path: str | Path,
    family: str = 'auto',
    scale_unit: str = 'auto',
    bbox_padding: float = 1.0,
) -> LabelRecord:
    """Read an annotation file with the reader of its family; which is logged.

    Args:
        path: An ``.npz`` file.
        family: A name of `FAMILIES`, or 'auto' to tell it by the keys.
        scale_unit: Unit of the box size, see `read_center_scale`.
        bbox_padding: Factor on the box, on top of what the file includes.

    Raises:
        FileNotFoundError: If there is no such file.
        AnnotationError: If the family cannot be told, or the file has wrong keys.
        ValueError: If there is no such family.
    """
    if family not in ('auto', *FAMILIES):
        raise ValueError(
            f"family must be 'auto' or one of {', '.join(FAMILIES)}, but is {family!r}."
        )
    name = detect_family(path) if family == 'auto' else family
    labels = FAMILIES[name].read(path, scale_unit, bbox_padding)
    MMLogger.get_current_instance().info(
        f'{path}: {len(labels)} people, read as a file of the family {name!r}'
        f'{" (told by its keys)" if family == "auto" else ""}; pose labels: '
        f'{int(labels.has_pose.sum())}, betas: {int(labels.has_betas.sum())}.'
    )
    return labels
