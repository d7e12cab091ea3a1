"""What all data sets of people have in common: label records become samples."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import roma
import torch
from mmengine.dataset import BaseDataset
from mmengine.fileio import join_path
from mmengine.logging import MMLogger

from deforhmr_mm.registry import MODELS

from .labels import AnnotationError, LabelRecord
from .transforms import ImageReadError

__all__ = ['MeshDataset', 'TooManyBadImagesError']


class TooManyBadImagesError(ImageReadError):
    """More pictures cannot be read than a training leaves out."""


class MeshDataset(BaseDataset):
    """People with body labels, one sample for each person.

    Subclasses read their annotations into a `LabelRecord`. A sample before the pipeline
    is a dictionary of

    - ``img_path`` str; ``img_id`` int, the same for all people of a picture;
      ``sample_id`` str, the data set's name and the row; ``dataset_name``; ``gender``;
      ``person_id``
    - ``bbox_center`` (2,), ``bbox_scale`` (2,): centre, width and height of the crop's
      box, full-image pixels
    - ``keypoints`` (1, 45, 2) full-image pixels, ``keypoints_conf`` (1, 45)
    - ``global_orient`` (1, 1, 3, 3), ``body_pose`` (1, 23, 3, 3) rotation matrices, the
      first from the body's frame to the camera's; ``betas`` (1, 10); ``has_pose`` (1,),
      ``has_betas`` (1,); ``has_smpl`` (1,), 1 where both of them are
    - ``joints_3d`` (1, 45, 3) metres, root-relative, camera axes; ``joints_3d_conf``
      (1, 45)
    - ``transl`` (1, 3) metres, ``focal_length`` float and ``principal_point`` (2,)
      pixels, NaN where unknown; where a file gives the pelvis's place (CLIFF's), transl
      is known only with a `body_model`
    - ``rest_pelvis`` (1, 3) metres, only with a `body_model`
    - ``image_turns`` int, only where picture files are stored turned, see `LoadImage`

    all floats in float32 and keypoints in the order of the keypoint set ``smpl45``.
    ``metainfo`` has ``keypoint_set`` and ``body_fingerprint`` (None if the file has
    none).

    In training a picture that is missing or damaged is left out: a warning names it and
    another sample is drawn in its place. With ``test_mode`` it is an error, since a
    score over fewer people is another score.

    Args:
        ann_file: The annotation file, relative to `data_root`.
        dataset_name: Name in samples and messages; the annotation file's stem by
            default.
        body_model: Config of the body that the labels belong to. With it the samples
            carry its rest pelvis, without which ``transl`` cannot follow a rotation of
            the picture (`RandomBBoxTransform` then drops it).
        data_root: Folder of annotations and pictures.
        data_prefix: ``img``, the pictures' folder relative to `data_root`.
        max_bad_images: How many pictures may be left out. One more, or as many attempts
            in a row without a picture, ends the run. Every process counts for itself,
            and new workers go on from the count of the process that starts them.
        kwargs: See `mmengine.dataset.BaseDataset`.

    Raises:
        FileNotFoundError: If the annotation file does not exist.
        AnnotationError: If the file lacks a key or holds a wrong one, or was made for
            another body than `body_model`.
    """

    METAINFO = {'keypoint_set': 'smpl45'}

    def __init__(
        self,
        ann_file: str,
        dataset_name: str | None = None,
        body_model: Mapping[str, Any] | None = None,
        data_root: str = '',
        data_prefix: Mapping[str, str] | None = None,
        max_bad_images: int = 100,
        **kwargs: Any,
    ) -> None:
        if max_bad_images < 0:
            raise ValueError(
                f'max_bad_images must be at least 0, but is {max_bad_images}.'
            )
        data_prefix = dict(data_prefix or {'img': ''})
        if set(data_prefix) != {'img'}:
            raise ValueError(
                "data_prefix must have the key 'img' alone, the pictures' folder, "
                f'but has {sorted(data_prefix)}.'
            )
        self.dataset_name = dataset_name or Path(ann_file).stem
        self._body_model = body_model
        self._labels: LabelRecord | None = None
        self._rest_pelvis: tuple[np.ndarray, np.ndarray] | None = None
        self._max_bad_images = max_bad_images
        # A dictionary for its order: the first picture comes first.
        self._bad_images: dict[str, None] = {}
        self._failures_in_a_row = 0
        super().__init__(
            ann_file=ann_file, data_root=data_root, data_prefix=data_prefix, **kwargs
        )

    def load_data_list(self) -> list[dict[str, Any]]:
        """Read the annotation file; return path, picture id and row of each person."""
        labels = self._read_labels()
        self._labels = labels
        self._metainfo.setdefault('body_fingerprint', labels.body_fingerprint)
        if self._body_model is not None:
            self._rest_pelvis = self._read_rest_pelvis(labels)
        image_ids: dict[str, int] = {}
        return [
            {
                **self._picture_of(row),
                'img_id': image_ids.setdefault(name, len(image_ids)),
                'row': row,
            }
            for row, name in enumerate(labels.image_names)
        ]

    @property
    def labels(self) -> LabelRecord:
        """The annotation file's people as columns, all of them."""
        self.full_init()
        return self._labels

    @abstractmethod
    def _read_labels(self) -> LabelRecord:
        """Read the annotations."""

    def _picture_of(self, row: int) -> dict[str, Any]:
        """Return the keys by which `LoadImage` finds the picture of a row."""
        prefix = self.data_prefix['img'] or ''
        return {'img_path': join_path(prefix, self._labels.image_names[row])}

    def _read_rest_pelvis(self, labels: LabelRecord) -> tuple[np.ndarray, np.ndarray]:
        """Return the rest pelvis (3,) and its change with betas (10, 3), metres."""
        body = MODELS.build(self._body_model)
        if labels.body_fingerprint not in (None, body.fingerprint):
            raise AnnotationError(
                f'{labels.path} was labelled with the body {labels.body_fingerprint}, '
                f'but body_model is {body.fingerprint}; set body_model to the body of '
                'the labels.'
            )
        betas = torch.cat([torch.zeros(1, 10), torch.eye(10)])
        eye = torch.eye(3).expand(len(betas), 24, 3, 3)
        with torch.no_grad():
            pelvis = body(eye[:, :1], eye[:, 1:], betas).joints[:, 0].numpy()
        return pelvis[0], pelvis[1:] - pelvis[0]

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return the sample of a person before the pipeline, see the class."""
        sample = super().get_data_info(idx)
        labels = self._labels
        row = sample.pop('row')
        one = slice(row, row + 1)
        rotmats = roma.rotvec_to_rotmat(torch.tensor(labels.pose[one])).numpy()
        sample.update(
            sample_id=f'{self.dataset_name}/{row}',
            dataset_name=self.dataset_name,
            gender=labels.genders[row],
            person_id=int(labels.person_ids[row]),
            bbox_center=labels.center[row].copy(),
            bbox_scale=labels.scale[row].copy(),
            keypoints=labels.keypoints[one, :, :2].copy(),
            keypoints_conf=labels.keypoints[one, :, 2].copy(),
            global_orient=rotmats[:, :1],
            body_pose=rotmats[:, 1:],
            betas=labels.betas[one].copy(),
            has_pose=labels.has_pose[one].copy(),
            has_betas=labels.has_betas[one].copy(),
            has_smpl=labels.has_pose[one] * labels.has_betas[one],
            joints_3d=labels.joints_3d[one, :, :3].copy(),
            joints_3d_conf=labels.joints_3d[one, :, 3].copy(),
            transl=labels.transl[one].copy(),
            focal_length=float(labels.focal_length[row]),
            principal_point=labels.principal_point[row].copy(),
        )
        if labels.image_turns is not None:
            sample['image_turns'] = int(labels.image_turns[row])
        if self._rest_pelvis is not None:
            mean, change = self._rest_pelvis
            sample['rest_pelvis'] = mean + sample['betas'] @ change
            if labels.pelvis is not None and np.isnan(sample['transl']).any():
                sample['transl'] = labels.pelvis[one] - sample['rest_pelvis']
        return sample

    def prepare_data(self, idx: int) -> Any:
        """Return the sample after the pipeline, None where its picture is left out."""
        sample = self.get_data_info(idx)
        picture = sample['img_path']
        try:
            packed = self.pipeline(sample)
        except (FileNotFoundError, ImageReadError) as error:
            if self.test_mode:
                raise
            self._leave_out(picture, error)
            return None
        self._failures_in_a_row = 0
        return packed

    def _leave_out(self, picture: str, error: Exception) -> None:
        """Count a bad picture and say so; raise if there are too many."""
        is_new = picture not in self._bad_images
        self._bad_images[picture] = None
        # Attempts in a row find the wrong folder of a data set that has fewer pictures
        # than the limit.
        self._failures_in_a_row += 1
        count, limit = len(self._bad_images), self._max_bad_images
        if max(count, self._failures_in_a_row) > limit:
            raise TooManyBadImagesError(
                f'{self.dataset_name}: {count} pictures could not be read, the last '
                f'{self._failures_in_a_row} attempts failed, and max_bad_images is '
                f'{limit}. The first picture was {next(iter(self._bad_images))}; the '
                f'last: {error} If none can be read, check data_root='
                f"{self.data_root!r} and data_prefix['img']="
                f'{self.data_prefix["img"]!r}.'
            ) from error
        if is_new:
            MMLogger.get_current_instance().warning(
                f'{self.dataset_name}: picture {count} of at most {limit} that are '
                f'left out, another sample is drawn in its place: {error}'
            )
