"""People of COCO-style JSON files."""

from __future__ import annotations

from typing import Any

from mmengine.fileio import join_path

from deforhmr_mm.registry import DATASETS

from .labels import LabelRecord
from .mesh_dataset import MeshDataset
from .readers import read_coco_json

__all__ = ['CocoMeshDataset']


@DATASETS.register_module()
class CocoMeshDataset(MeshDataset):
    """People of a COCO-style JSON file, with SMPL pseudo-labels where there are some.

    `MeshDataset` lists what a sample has; its ``person_id`` is the annotation's id.
    Needs xtcocotools.

    Args:
        ann_file: The JSON file, relative to `data_root`.
        smpl_file: SMPL labels to join by ``annot_id``, relative to `data_root`; see
            `read_coco_json` for this and the following.
        min_num_keypoints: Smallest number of labelled keypoints of a person.
        hidden_conf: Confidence of keypoints that are labelled but hidden.
        bbox_padding: Enlargement of the box once it has the crop's aspect.
        kwargs: See `MeshDataset`.
    """

    def __init__(
        self,
        ann_file: str,
        smpl_file: str | None = None,
        min_num_keypoints: int = 1,
        hidden_conf: float = 1.0,
        bbox_padding: float = 1.25,
        **kwargs: Any,
    ) -> None:
        self._smpl_file = smpl_file
        self._min_num_keypoints = min_num_keypoints
        self._hidden_conf = hidden_conf
        self._bbox_padding = bbox_padding
        super().__init__(ann_file, **kwargs)

    def _read_labels(self) -> LabelRecord:
        """Read `ann_file` and join `smpl_file`."""
        smpl_file = self._smpl_file
        if smpl_file is not None:
            smpl_file = join_path(self.data_root or '', smpl_file)
        return read_coco_json(
            self.ann_file,
            smpl_file,
            self._min_num_keypoints,
            self._hidden_conf,
            self._bbox_padding,
        )
