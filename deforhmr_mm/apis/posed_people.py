"""People whose parameters are known, as data samples with posed bodies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from mmengine.structures import InstanceData
from torch import nn

from deforhmr_mm.geometry import full_to_crop_camera, perspective_projection
from deforhmr_mm.structures import MeshDataSample

from .camera_info import CameraInfo
from .inference import bbox_to_crop


@dataclass(frozen=True)
class PersonPose:
    """One person in one frame.

    Attributes:
        person_id: Number of the person, the same in all frames.
        global_orient: (3, 3), from the body's to the camera's frame.
        body_pose: (23, 3, 3).
        betas: (num_betas,).
        transl: (3,) metres, full-image camera.
        bbox: (4,) left, top, right, bottom in pixels.
        score: Of the box.
        observed: Whether the box was detected; else it is interpolated.
    """

    person_id: int
    global_orient: np.ndarray
    body_pose: np.ndarray
    betas: np.ndarray
    transl: np.ndarray
    bbox: np.ndarray
    score: float = 1.0
    observed: bool = True


@torch.no_grad()
def posed_samples(
    model: nn.Module,
    people: Sequence[PersonPose],
    camera: CameraInfo,
    image_size: tuple[int, int],
    path: str,
    frame: int,
) -> list[MeshDataSample]:
    """Pose the bodies of one frame's people.

    Args:
        model: That the parameters are of: its body, and its crops.
        people: Everybody in the frame; may be empty.
        camera: Of the frame.
        image_size: Height and width in pixels.
        path: Of the video.
        frame: Number of the frame.

    Returns:
        One sample a person with `pred_instances` on the CPU: 2D joints and the crop
        camera are those of the translation in the full camera.
    """
    if not people:
        return []
    body = model.body_model
    like = body.v_template

    def tensor(values: Sequence) -> torch.Tensor:
        return torch.from_numpy(np.stack(values)).to(like)

    pose = {
        'global_orient': tensor([p.global_orient for p in people])[:, None],
        'body_pose': tensor([p.body_pose for p in people]),
        'betas': tensor([p.betas for p in people]),
    }
    posed = body(**pose)
    transl = tensor([p.transl for p in people])
    crops = [bbox_to_crop(person.bbox, model.bbox_padding) for person in people]
    centers, scales = zip(*crops, strict=True)
    point = like.new_tensor(camera.principal_point).expand(len(people), 2)
    focal = like.new_tensor(camera.focal_length).expand(len(people))
    crop_camera = full_to_crop_camera(
        transl, tensor(centers), tensor(scales)[:, 1], point, focal
    )
    values = dict(
        **pose,
        vertices=posed.vertices,
        joints=posed.joints,
        camera=crop_camera,
        transl=transl,
        keypoints=perspective_projection(posed.joints, focal, point, transl),
        focal_length=focal,
        principal_point=point,
        bboxes=tensor([p.bbox for p in people]),
        bbox_scores=like.new_tensor([p.score for p in people]),
    )
    values = {key: value.cpu() for key, value in values.items()}
    samples = []
    for index, person in enumerate(people):
        sample = MeshDataSample(
            metainfo=dict(
                img_path=path,
                img_id=frame,
                person_id=person.person_id,
                observed=person.observed,
                ori_shape=tuple(image_size),
                focal_length_source=camera.source,
                body_name=body.body_name,
                body_fingerprint=body.fingerprint,
            )
        )
        instances = InstanceData()
        for key, value in values.items():
            # A view would keep, and pickle, all people of the frame with each.
            instances.set_field(value[index : index + 1].clone(), key)
        sample.pred_instances = instances
        samples.append(sample)
    return samples
