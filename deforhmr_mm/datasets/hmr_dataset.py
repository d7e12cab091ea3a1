"""People of `.npz` annotation files."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from deforhmr_mm.geometry.boxes import BBOX_PADDING
from deforhmr_mm.registry import DATASETS

from .labels import LabelRecord
from .mesh_dataset import MeshDataset
from .readers import read_npz_labels
from .readers.boxes import fit_wide_people, has_longer_sides

__all__ = ['HMRDataset']


@DATASETS.register_module()
class HMRDataset(MeshDataset):
    """People of an ``.npz`` annotation file, read as it is.

    Families of files are SPIN's (also CLIFF's pseudo-labels and the open body's),
    HMR2.0's, BEDLAM's, mmhuman3d's HumanData and RICH's; which one it is is told by the
    keys and logged. Parameters of SMPL-X (BEDLAM, RICH) are no labels of SMPL:
    ``has_pose`` and ``has_betas`` are 0 there. `MeshDataset` lists what a sample has.

    Args:
        ann_file: The ``.npz`` file, relative to `data_root`.
        family: 'auto', 'spin', 'hmr2', 'bedlam', 'humandata' or 'rich'.
        scale_unit: Unit of the box size in the file: '200px', 'px', or 'auto' to tell
            by its median; see `read_center_scale`.
        bbox_padding: Factor on the box size, on top of what the file includes.
        fit_wide: For files whose ``scale`` is the longer side of the box, as SPIN's,
            padded by 1.2: whether to tell by the labelled joints who is wider than 3/4
            of the height, and crop them whole, as inference does (`fit_wide_people`).
            Else they look larger than there, and who lies is cut off at the sides.
            Files with width and height do not need it.
        image_turns: Quarter turns clockwise that bring the picture files into the frame
            of the labels. By default what the reader found: 1 for BEDLAM's close-ups,
            which are stored turned, told by 'closeup' in the name of the picture or of
            the annotation file. Set 0 if your copies stand upright, 1 if the names do
            not tell.
        kwargs: See `MeshDataset`.
    """

    def __init__(
        self,
        ann_file: str,
        family: str = 'auto',
        scale_unit: str = 'auto',
        bbox_padding: float = 1.0,
        fit_wide: bool = False,
        image_turns: int | None = None,
        **kwargs: Any,
    ) -> None:
        self._family = family
        self._scale_unit = scale_unit
        self._bbox_padding = bbox_padding
        self._fit_wide = fit_wide
        self._image_turns = image_turns
        super().__init__(ann_file, **kwargs)

    def _read_labels(self) -> LabelRecord:
        """Read `ann_file` with the reader of its family."""
        labels = read_npz_labels(
            self.ann_file, self._family, self._scale_unit, self._bbox_padding
        )
        if self._fit_wide and has_longer_sides(self.ann_file):
            padding = BBOX_PADDING * self._bbox_padding
            labels = replace(
                labels,
                scale=fit_wide_people(
                    labels.center, labels.scale, labels.keypoints, padding
                ),
            )
        if self._image_turns is None:
            return labels
        turns = np.full(len(labels), self._image_turns, dtype=np.int8)
        return replace(labels, image_turns=turns)
