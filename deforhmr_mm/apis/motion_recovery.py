"""From a video's boxes to everybody's movement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from mmengine.dataset import Compose, pseudo_collate
from torch import nn

from deforhmr_mm.geometry import crop_to_full_translation
from deforhmr_mm.structures import Motion, PersonMotion
from deforhmr_mm.tracking import Tracklet, shared_betas

from .camera_info import CameraInfo
from .inference import crop_people
from .posed_people import PersonPose

# Of a crop camera: a body that is a hundredth of the crop high.
MIN_SCALE = 0.02


def recover_motion(
    model: nn.Module,
    pipeline: Compose,
    frames: Iterable[np.ndarray],
    tracklets: Sequence[Tracklet],
    camera: CameraInfo,
    fps: float,
    num_frames: int,
    image_size: tuple[int, int],
    batch_size: int = 16,
) -> Motion:
    """Recover everybody in every frame of a video, each frame by itself.

    Crops of several frames go through the network together. The body is not posed: only
    parameters are kept, a few hundred numbers a person and frame.

    Args:
        model: See `deforhmr_mm.apis.init_model`.
        pipeline: See `deforhmr_mm.apis.inference.build_test_pipeline`.
        frames: (H, W, 3) uint8 BGR, from the first.
        tracklets: Who is where.
        camera: That of all frames.
        fps: Frames a second.
        num_frames: Frames of the video.
        image_size: Height and width in pixels.
        batch_size: People that go through the network together.

    Returns:
        The movement, not smoothed; one shape for each person.

    Raises:
        ValueError: If the model gives values that are not finite.
    """
    recovered: dict[tuple[int, int], dict[str, np.ndarray]] = {}
    waiting: list[tuple[tuple[int, int], dict]] = []

    def flush() -> None:
        keys = [key for key, _ in waiting]
        people = predict_parameters(model, [crop for _, crop in waiting], camera)
        recovered.update(zip(keys, people, strict=True))
        waiting.clear()

    rows_of = _rows_by_frame(tracklets)
    for frame, image in enumerate(frames):
        rows = rows_of.get(frame, [])
        boxes = np.array([tracklets[who].bboxes[row] for who, row in rows])
        crops = crop_people(
            pipeline,
            image,
            boxes.reshape(-1, 4),
            camera=camera,
            bbox_padding=model.bbox_padding,
        )
        waiting.extend(zip(rows, crops, strict=True))
        while len(waiting) >= batch_size:
            rest = waiting[batch_size:]
            del waiting[batch_size:]
            flush()
            waiting.extend(rest)
    if waiting:
        flush()
    people = []
    for who, tracklet in enumerate(tracklets):
        rows = [recovered[who, row] for row in range(len(tracklet.frames))]
        values = {key: np.stack([row[key] for row in rows]) for key in rows[0]}
        people.append(
            PersonMotion(
                person_id=tracklet.person_id,
                frames=tracklet.frames,
                global_orient=values['global_orient'],
                body_pose=values['body_pose'],
                betas=shared_betas(values['betas'], tracklet.scores),
                transl=values['transl'],
                bboxes=tracklet.bboxes,
                bbox_scores=tracklet.scores,
                observed=tracklet.observed,
            )
        )
    return Motion(
        fps=fps,
        num_frames=num_frames,
        image_size=image_size,
        focal_length=camera.focal_length,
        principal_point=tuple(camera.principal_point),
        people=tuple(people),
    )


@torch.no_grad()
def predict_parameters(
    model: nn.Module, crops: Sequence[dict], camera: CameraInfo
) -> list[dict[str, np.ndarray]]:
    """Run the model on crops without posing the body.

    The parameters are those that a picture of the crop would get, flip test included.

    Args:
        model: See `deforhmr_mm.apis.init_model`.
        crops: See `deforhmr_mm.apis.inference.crop_people`; at least one.
        camera: That of all pictures that they are of.

    Returns:
        A dict a crop: ``global_orient`` (3, 3), ``body_pose`` (23, 3, 3), ``betas``
        and ``transl`` (3,) in metres, in the camera of the whole picture.

    Raises:
        ValueError: If the model gives values that are not finite.
    """
    data = model.data_preprocessor(pseudo_collate(list(crops)), False)
    params = model.predict_params(**data)
    # A head that does not keep the scale above zero would put somebody behind the
    # camera, where no movement can be smoothed: far away instead.
    scales, offsets = params['camera'].split((1, 2), dim=1)
    like = torch.cat((scales.clamp(min=MIN_SCALE), offsets), dim=1)
    boxes = [
        (sample.input_center, sample.input_scale) for sample in data['data_samples']
    ]
    center, scale = (
        like.new_tensor(np.stack(values)) for values in zip(*boxes, strict=True)
    )
    transl = crop_to_full_translation(
        like,
        center,
        scale[:, 1],
        like.new_tensor(camera.principal_point).expand(len(like), 2),
        like.new_tensor(camera.focal_length).expand(len(like)),
    )
    values = {
        'global_orient': params['global_orient'][:, 0],
        'body_pose': params['body_pose'],
        'betas': params['betas'],
        'transl': transl,
    }
    for name, value in values.items():
        if not torch.isfinite(value).all():
            raise ValueError(
                f'the model gave NaN or infinity for {name}; are its weights those of '
                'a finished training?'
            )
    arrays = {key: value.float().cpu().numpy() for key, value in values.items()}
    return [{key: arrays[key][i] for key in arrays} for i in range(len(crops))]


def _rows_by_frame(
    people: Sequence[Tracklet | PersonMotion],
) -> dict[int, list[tuple[int, int]]]:
    """Return (person's place in the list, row) of everybody in each frame."""
    rows: dict[int, list[tuple[int, int]]] = {}
    for who, person in enumerate(people):
        for row, frame in enumerate(person.frames.tolist()):
            rows.setdefault(frame, []).append((who, row))
    return rows


def motion_people(motion: Motion) -> list[list[PersonPose]]:
    """Return the people of each frame of a movement.

    Args:
        motion: The movement.

    Returns:
        A list a frame, with everybody who is in it.
    """
    rows_of = _rows_by_frame(motion.people)
    return [
        [_pose_of(motion.people[who], row) for who, row in rows_of.get(frame, [])]
        for frame in range(motion.num_frames)
    ]


def _pose_of(person: PersonMotion, row: int) -> PersonPose:
    return PersonPose(
        person_id=person.person_id,
        global_orient=person.global_orient[row],
        body_pose=person.body_pose[row],
        betas=person.betas,
        transl=person.transl[row],
        bbox=person.bboxes[row],
        score=float(person.bbox_scores[row]),
        observed=bool(person.observed[row]),
    )
