"""Keypoint sets: joints by name, flip pairs, links, and maps between sets."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, TypeVar

import numpy as np
from torch import Tensor

from .keypoint_definitions import DEFINITIONS

ArrayOrTensor = TypeVar('ArrayOrTensor', np.ndarray, Tensor)


class KeypointMap(NamedTuple):
    """Where the joints that two sets share lie in each of them."""

    source: tuple[int, ...]
    target: tuple[int, ...]


@dataclass(frozen=True)
class KeypointSet:
    """An ordered set of joints.

    A joint named `left_x` is the mirror image of `right_x`, and either both or none
    are in the set.

    Args:
        name: Name of the set, as in a config.
        names: Joint names in order.
        skeleton: Links to draw, as pairs of joint names.

    Raises:
        ValueError: A name occurs twice, a left or right joint has no partner, or a link
            names a joint that is not in the set.

    Example:
        >>> coco = get_keypoint_set('coco17')
        >>> len(coco), coco.index('left_wrist'), coco.indices(('nose', 'left_hip'))
        (17, 9, (0, 11))
        >>> get_keypoint_set('smpl45').map_to(coco).source[:3]
        (24, 26, 25)
    """

    name: str
    names: tuple[str, ...]
    skeleton: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Check the names."""
        repeated = sorted({n for n in self.names if self.names.count(n) > 1})
        if repeated:
            raise ValueError(f'keypoint set {self.name!r}: repeated names {repeated}')
        alone = [n for n in self.names if _mirror_name(n) not in self.names]
        if alone:
            raise ValueError(
                f'keypoint set {self.name!r}: no joint on the other side for {alone}'
            )
        unknown = sorted({n for link in self.skeleton for n in link} - set(self.names))
        if unknown:
            raise ValueError(
                f'keypoint set {self.name!r}: links name unknown joints {unknown}'
            )

    def __len__(self) -> int:
        """Number of joints."""
        return len(self.names)

    def index(self, name: str) -> int:
        """Position of a joint.

        Raises:
            KeyError: The set has no joint of that name.
        """
        try:
            return self._positions[name]
        except KeyError:
            raise KeyError(
                f'keypoint set {self.name!r} has no joint {name!r}; it has {self.names}'
            ) from None

    def indices(self, names: Iterable[str]) -> tuple[int, ...]:
        """Positions of several joints, in the order given.

        Raises:
            KeyError: The set has no joint of one of the names.
        """
        return tuple(self.index(name) for name in names)

    @cached_property
    def flip_indices(self) -> tuple[int, ...]:
        """For each joint the position of its mirror image."""
        return self.indices(_mirror_name(name) for name in self.names)

    @cached_property
    def flip_pairs(self) -> tuple[tuple[int, int], ...]:
        """Positions (left, right) of every pair of mirrored joints."""
        return tuple(
            (index, self.index(_mirror_name(name)))
            for index, name in enumerate(self.names)
            if name.startswith('left_')
        )

    @cached_property
    def links(self) -> tuple[tuple[int, int], ...]:
        """The skeleton as pairs of positions."""
        return tuple((self.index(a), self.index(b)) for a, b in self.skeleton)

    def map_to(self, other: 'KeypointSet') -> KeypointMap:
        """Positions of the shared joints, in the other set's order.

        Use: ``target[..., map.target, :] = source[..., map.source, :]``.
        """
        shared = [name for name in other.names if name in self._positions]
        return KeypointMap(self.indices(shared), other.indices(shared))

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: index for index, name in enumerate(self.names)}


def register_keypoint_set(keypoint_set: KeypointSet) -> KeypointSet:
    """Make a set known by its name.

    Raises:
        ValueError: Another set has that name.
    """
    known = _KEYPOINT_SETS.get(keypoint_set.name)
    if known is not None and known != keypoint_set:
        raise ValueError(f'keypoint set {keypoint_set.name!r} is already registered')
    _KEYPOINT_SETS[keypoint_set.name] = keypoint_set
    return keypoint_set


def get_keypoint_set(name: str) -> KeypointSet:
    """Get a registered set.

    Raises:
        KeyError: No set has that name.

    Example:
        >>> get_keypoint_set('h36m17').names[:4]
        ('pelvis', 'left_hip', 'left_knee', 'left_ankle')
    """
    try:
        return _KEYPOINT_SETS[name]
    except KeyError:
        raise KeyError(
            f'unknown keypoint set {name!r}; known are {keypoint_set_names()}'
        ) from None


def keypoint_set_names() -> tuple[str, ...]:
    """Names of the registered sets."""
    return tuple(sorted(_KEYPOINT_SETS))


def flip_smpl_pose(rotmats: ArrayOrTensor) -> ArrayOrTensor:
    """Pose of the mirror image of a person.

    Every rotation R becomes M R M with M = diag(-1, 1, 1), and left and right joints
    change places. It holds for the global orientation too when the picture is mirrored
    (camera x reversed), since the body's template is symmetric about x = 0.

    Args:
        rotmats: (..., 24, 3, 3) in the order of `smpl24`; array or tensor.

    Returns:
        (..., 24, 3, 3), same type, dtype and device.

    Raises:
        ValueError: The shape is not as given above.

    Example:
        >>> pose = np.tile(np.eye(3), (24, 1, 1))
        >>> smpl = get_keypoint_set('smpl24')
        >>> left, right = smpl.indices(('left_knee', 'right_knee'))
        >>> pose[left] = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]
        >>> flip_smpl_pose(pose)[right, 0]
        array([0., 1., 0.])
    """
    smpl = get_keypoint_set('smpl24')
    if tuple(rotmats.shape[-3:]) != (len(smpl), 3, 3):
        raise ValueError(
            f'rotmats: expected shape (..., {len(smpl)}, 3, 3), got '
            f'{tuple(rotmats.shape)}'
        )
    flipped = rotmats[..., list(smpl.flip_indices), :, :]
    # M R M changes the sign of the four entries that mix x with another axis; adding
    # zero makes their -0 plain 0.
    signs = np.outer((-1, 1, 1), (-1, 1, 1))
    if isinstance(rotmats, Tensor):
        return flipped * rotmats.new_tensor(signs) + 0
    return flipped * signs.astype(rotmats.dtype) + 0


def _mirror_name(name: str) -> str:
    if name.startswith('left_'):
        return 'right_' + name.removeprefix('left_')
    if name.startswith('right_'):
        return 'left_' + name.removeprefix('right_')
    return name


_KEYPOINT_SETS: dict[str, KeypointSet] = {}
for _name, (_names, _links) in DEFINITIONS.items():
    register_keypoint_set(KeypointSet(_name, _names, _links))
