"""The one form that every annotation file is read into."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

__all__ = ['AnnotationError', 'LabelRecord']


class AnnotationError(ValueError):
    """An annotation file lacks a key, or a key holds what it must not hold."""


@dataclass(frozen=True, eq=False)
class LabelRecord:
    """Labels of N people as read-only columns.

    Columns instead of one dictionary per person start fast, and worker processes share
    their memory. A column that a file does not carry is filled with the value that
    means "unknown": zero confidence, a has-flag of 0, or NaN.

    Attributes:
        path: File that the labels come from.
        image_names: N picture paths as the file has them (relative to the picture
            folder).
        center: (N, 2) float32, box centre in full-image pixels.
        scale: (N, 2) float32, box width and height in pixels, at the crop's aspect.
        keypoints: (N, 45, 3) float32, x, y in full-image pixels and confidence, in the
            order of the keypoint set ``smpl45``.
        joints_3d: (N, 45, 4) float32, x, y, z in metres, root-relative, camera axes,
            and confidence, in the order of ``smpl45``.
        pose: (N, 24, 3) float32 axis-angle, root first and in the camera frame; zeros
            where ``has_pose`` is 0.
        betas: (N, 10) float32; zeros where ``has_betas`` is 0.
        has_pose: (N,) float32, 1 where the pose is a label.
        has_betas: (N,) float32, 1 where the betas are labels.
        transl: (N, 3) float32, metres, camera frame: what is added to the body model's
            vertices. NaN where unknown.
        pelvis: (N, 3) float32, metres, camera frame: where the pelvis joint is, or None
            where the file does not say. With the body's rest pelvis it gives `transl`.
        focal_length: (N,) float32, pixels. NaN where unknown.
        principal_point: (N, 2) float32, pixels. NaN where unknown.
        genders: N of 'male', 'female' and 'neutral'.
        person_ids: (N,) int64, -1 where unknown.
        family: Name of the family of files that the labels come from, as 'spin'.
        body_type: 'smpl' or 'smplx': the model that the file's parameters are for.
            Parameters of SMPL-X are none of SMPL's: ``has_pose`` and ``has_betas`` are
            0 then, and what the file validly gives (joints, box, camera) is read.
        body_fingerprint: Fingerprint of the body that pose and betas belong to, or None
            where the file does not say.
        image_turns: (N,) int8, quarter turns clockwise that bring the picture file
            into the frame that all labels are in, or None where no picture needs one.
    """

    path: str
    image_names: tuple[str, ...]
    center: np.ndarray
    scale: np.ndarray
    keypoints: np.ndarray
    joints_3d: np.ndarray
    pose: np.ndarray
    betas: np.ndarray
    has_pose: np.ndarray
    has_betas: np.ndarray
    transl: np.ndarray
    focal_length: np.ndarray
    principal_point: np.ndarray
    genders: tuple[str, ...]
    person_ids: np.ndarray
    family: str = 'spin'
    body_type: str = 'smpl'
    pelvis: np.ndarray | None = None
    body_fingerprint: str | None = None
    image_turns: np.ndarray | None = None

    def __post_init__(self) -> None:
        """Check the number of rows and make the columns read-only."""
        for field in fields(self):
            column = getattr(self, field.name)
            if not isinstance(column, np.ndarray | tuple):
                continue
            if len(column) != len(self.image_names):
                raise AnnotationError(
                    f'{self.path}: {field.name} has {len(column)} rows, but there are '
                    f'{len(self.image_names)} picture names.'
                )
            if isinstance(column, np.ndarray):
                view = column.view()
                view.flags.writeable = False
                object.__setattr__(self, field.name, view)

    def __len__(self) -> int:
        """Return the number of people."""
        return len(self.image_names)

    @property
    def has_smpl(self) -> np.ndarray:
        """(N,) float32, 1 where both pose and betas are labels."""
        return self.has_pose * self.has_betas

    def __deepcopy__(self, memo: dict) -> LabelRecord:
        """Return itself: the columns are read-only, so data sets share them."""
        return self
