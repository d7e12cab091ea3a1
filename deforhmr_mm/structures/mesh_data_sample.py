"""The data sample of mesh recovery: one person in one crop."""

from mmengine.structures import BaseDataElement, InstanceData


class MeshDataSample(BaseDataElement):
    """One person: what is known of it and what was predicted.

    `gt_instances` and `pred_instances` are InstanceData of length 1. Rotations are
    matrices; `global_orient` maps the body's frame to the camera frame (x right, y
    down, z forward). Fields of `gt_instances` (float32):

    - global_orient (1, 1, 3, 3), body_pose (1, 23, 3, 3), betas (1, 10); has_pose (1,),
      has_betas (1,) and has_smpl (1,), which is 1 where both of them are
    - keypoints (1, 45, 2) pixels of the crop, keypoints_conf (1, 45)
    - joints_3d (1, 45, 3) metres, camera frame, relative to the pelvis, and
      joints_3d_conf (1, 45)
    - transl (1, 3) metres, full-image camera; NaN where unknown

    Fields of `pred_instances`:

    - global_orient, body_pose, betas as above; camera (1, 3), the crop camera
      (s, tx, ty); transl (1, 3) metres, full-image camera
    - vertices (1, V, 3) and joints (1, 45, 3) metres, camera frame, without transl
    - keypoints (1, 45, 2) pixels of the full image, by the full-image camera
    - focal_length (1,) and principal_point (1, 2) pixels of the full image
    - bboxes (1, 4) left, top, right, bottom in pixels; bbox_scores (1,)

    Metadata: img_path, img_archive (path, offset, size) for a picture that lies in
    another file, img_id, sample_id, ori_shape (h, w), image_affine (2, 3) from the
    file's to full-image pixels, input_size (w, h), input_center (2,) and input_scale
    (2,) (the crop's box in the image, pixels), input_affine (2, 3) full-image to crop
    pixels, flip, focal_length, principal_point, person_id, dataset_name.

    Example:
        >>> import torch
        >>> sample = MeshDataSample(metainfo=dict(img_id=3))
        >>> sample.gt_instances = InstanceData(betas=torch.zeros(1, 10))
        >>> sample.img_id, sample.gt_instances.betas.shape
        (3, torch.Size([1, 10]))
    """

    @property
    def gt_instances(self) -> InstanceData:
        """What is known of the person."""
        return self._gt_instances

    @gt_instances.setter
    def gt_instances(self, value: InstanceData) -> None:
        self.set_field(value, '_gt_instances', dtype=InstanceData)

    @gt_instances.deleter
    def gt_instances(self) -> None:
        del self._gt_instances

    @property
    def pred_instances(self) -> InstanceData:
        """What was predicted."""
        return self._pred_instances

    @pred_instances.setter
    def pred_instances(self, value: InstanceData) -> None:
        self.set_field(value, '_pred_instances', dtype=InstanceData)

    @pred_instances.deleter
    def pred_instances(self) -> None:
        del self._pred_instances
