"""People of `.npz` annotation files."""

from __future__ import annotations

from typing import Any

from deforhmr_mm.registry import DATASETS

from .labels import LabelRecord
from .mesh_dataset import MeshDataset
from .readers import read_spin_npz

__all__ = ['HMRDataset']


@DATASETS.register_module()
class HMRDataset(MeshDataset):
    """People of an annotation file of the SPIN family (SPIN, CLIFF, the open body's).

    `MeshDataset` lists what a sample has.

    Args:
        ann_file: The ``.npz`` file, relative to `data_root`.
        scale_unit: Unit of the box size in the file, see `read_spin_npz`.
        bbox_padding: Factor on the box size, on top of what the file includes.
        kwargs: See `MeshDataset`.
    """

    def __init__(
        self,
        ann_file: str,
        scale_unit: str = 'auto',
        bbox_padding: float = 1.0,
        **kwargs: Any,
    ) -> None:
        self._scale_unit = scale_unit
        self._bbox_padding = bbox_padding
        super().__init__(ann_file, **kwargs)

    def _read_labels(self) -> LabelRecord:
        """Read `ann_file` with the reader of its family."""
        return read_spin_npz(self.ann_file, self._scale_unit, self._bbox_padding)
