"""People of HMR2.0's training tars."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mmengine.fileio import join_path

from deforhmr_mm.registry import DATASETS

from .labels import LabelRecord
from .mesh_dataset import MeshDataset
from .readers import read_hmr2_tars
from .readers.hmr2_rules import HMR2Rules
from .readers.tar_index import TarMember

__all__ = ['HMR2TarDataset']


@DATASETS.register_module()
class HMR2TarDataset(MeshDataset):
    """People of the tar files that HMR2.0 is trained on (webdataset's format).

    The headers and labels of all files are read at the start, pictures when they are
    asked for, in any order. `MeshDataset` lists what a sample has; here ``img_path`` is
    only a name, ``TAR:MEMBER``, and ``img_archive`` says where the picture lies.

    The files hold fits of all qualities, which HMR2.0's loader cleans. So do four
    limits here, whose defaults are HMR2.0's and of which None turns each off; the log
    says how many people each of them took. Its pose prior is not applied.

    Args:
        ann_file: Path of an uncompressed tar, or a pattern as ``coco/{000..010}.tar``
            or ``coco/*.tar``, or several of them; relative to `data_root`.
        dataset_name: Name in samples and messages. By default the stem of a single
            path, or the name of the folder of a pattern.
        bbox_padding: Enlargement of the box, on top of what the files include.
        min_keypoint_conf: 2D joints of a lower confidence lose it.
        max_beta: Who has a beta of a larger magnitude loses betas and pose.
        min_keypoints: Who has fewer 2D joints, of the file's 44, is left out.
        max_fitting_loss: Who has this reprojection loss of the fit, or a larger one, is
            left out.
        kwargs: See `MeshDataset`; ``data_prefix`` has no effect.
    """

    def __init__(
        self,
        ann_file: str | Sequence[str],
        dataset_name: str | None = None,
        bbox_padding: float = 1.0,
        min_keypoint_conf: float | None = HMR2Rules.min_keypoint_conf,
        max_beta: float | None = HMR2Rules.max_beta,
        min_keypoints: int | None = HMR2Rules.min_keypoints,
        max_fitting_loss: float | None = HMR2Rules.max_fitting_loss,
        **kwargs: Any,
    ) -> None:
        patterns = [ann_file] if isinstance(ann_file, str) else list(ann_file)
        if not patterns:
            raise ValueError('ann_file must name at least one tar file, but is empty.')
        self._patterns = patterns
        self._bbox_padding = bbox_padding
        self._rules = HMR2Rules(
            min_keypoint_conf, max_beta, min_keypoints, max_fitting_loss
        )
        self._pictures: list[TarMember] = []
        first = Path(patterns[0])
        if dataset_name is None and (len(patterns) > 1 or set(first.name) & set('{*?')):
            dataset_name = first.parent.name or 'hmr2_tar'
        # The base class knows a single file; all are read from the patterns.
        super().__init__(patterns[0], dataset_name=dataset_name, **kwargs)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read all files; return path, picture id, place and row of each person."""
        data_list = super().load_data_list()
        # The places are in the samples now; worker processes need not copy them.
        self._pictures = []
        return data_list

    def _read_labels(self) -> LabelRecord:
        """Read the labels of all files."""
        root = self.data_root or ''
        labels, self._pictures = read_hmr2_tars(
            [join_path(root, pattern) for pattern in self._patterns],
            self._bbox_padding,
            self._rules,
        )
        return labels

    def _picture_of(self, row: int) -> dict[str, Any]:
        """Return name and place of the picture of a row."""
        picture = self._pictures[row]
        return {
            'img_path': picture.full_name,
            'img_archive': (picture.archive, picture.offset, picture.size),
        }
