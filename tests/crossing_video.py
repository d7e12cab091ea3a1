"""Two people of the open body who walk past each other: pictures, truth, detections."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import torch
from scipy.spatial.transform import Rotation

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.structures import get_keypoint_set
from deforhmr_mm.visualization import MeshRenderer

JOINTS = get_keypoint_set('smpl24')
SIZE = (200, 320)  # height, width
FOCAL = 320.0
CENTER = (159.5, 99.5)
FPS = 20.0
NUM_FRAMES = 44
DEPTHS = (4.2, 5.2)
COLORS = ((0.72, 0.35, 0.30), (0.28, 0.42, 0.68))
_STEPS_A_SECOND = 1.6


@dataclass(frozen=True)
class Crossing:
    """What is true of the video.

    pictures: (T, H, W, 3) uint8 BGR. bboxes: (T, 2, 4) left, top, right, bottom of
    what each person covers, hidden parts included. pelvis: (T, 2, 3) metres.
    """

    pictures: np.ndarray
    bboxes: np.ndarray
    pelvis: np.ndarray


def walking_pose(phase: float) -> np.ndarray:
    """(23, 3, 3) a step of a walk; phase in radians."""
    pose = np.zeros((24, 3))
    swing = np.sin(phase)
    for side, sign in (('left', 1), ('right', -1)):
        arm_down = -1.15 * sign
        pose[JOINTS.index(f'{side}_hip')] = (-0.5 * sign * swing, 0, 0)
        bend = 0.45 * (1 - sign * np.cos(phase))
        pose[JOINTS.index(f'{side}_knee')] = (bend, 0, 0)
        pose[JOINTS.index(f'{side}_shoulder')] = (0, -0.4 * swing, arm_down)
    return Rotation.from_rotvec(pose[1:]).as_matrix().astype(np.float32)


@lru_cache(maxsize=1)
def crossing() -> Crossing:
    """Render the video: one person walks to the right, one behind it to the left."""
    body = SMPL()
    times = np.arange(NUM_FRAMES) / FPS
    duration = times[-1]
    pelvis = np.zeros((NUM_FRAMES, 2, 3), np.float32)
    meshes = []
    for person, (depth, way) in enumerate(zip(DEPTHS, (1, -1), strict=True)):
        half = 0.42 * depth * SIZE[1] / FOCAL
        heading = Rotation.from_euler('y', way * 90, degrees=True).as_matrix()
        orient = np.diag([1.0, -1, -1]) @ heading
        phases = 2 * np.pi * _STEPS_A_SECOND / 2 * times + person
        pose = np.stack([walking_pose(phase) for phase in phases])
        betas = torch.zeros(NUM_FRAMES, body.num_betas)
        betas[:, 0] = 1.0 - 2 * person
        with torch.no_grad():
            posed = body(
                torch.as_tensor(orient, dtype=torch.float32).expand(
                    NUM_FRAMES, 1, 3, 3
                ),
                torch.from_numpy(pose),
                betas,
            )
        place = np.zeros((NUM_FRAMES, 1, 3), np.float32)
        place[:, 0, 0] = way * half * (2 * times / duration - 1)
        place[:, 0, 2] = depth
        meshes.append(posed.vertices.numpy() + place)
        pelvis[:, person] = (
            posed.joints[:, JOINTS.index('pelvis')].numpy() + place[:, 0]
        )
    meshes = np.stack(meshes, axis=1)
    pixels = FOCAL * meshes[..., :2] / meshes[..., 2:] + CENTER
    bboxes = np.concatenate([pixels.min(2), pixels.max(2)], axis=-1)
    renderer = MeshRenderer(edge_samples=1, occlusion=False)
    ground = _background()
    pictures = [
        renderer.render(frame, body.faces, FOCAL, CENTER, SIZE, COLORS).overlay(
            ground, alpha=1.0
        )[..., ::-1]
        for frame in meshes
    ]
    return Crossing(np.stack(pictures), bboxes.astype(np.float32), pelvis)


def _background() -> np.ndarray:
    """(H, W, 3) RGB: a wall with some texture above a floor."""
    height, width = SIZE
    noise = np.random.default_rng(0).normal(0, 14, (height // 8, width // 8, 3))
    texture = cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC)
    floor = np.arange(height)[:, None, None] > 0.72 * height
    plain = np.where(floor, (126.0, 116, 104), (176.0, 186, 190))
    return np.clip(plain + texture, 0, 255).astype(np.uint8)


def noisy_detections(
    seed: int, misses: float = 0.12, jitter: float = 0.05
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Boxes (N, 4) and scores (N,) of each frame as a detector would give them.

    It misses people at random, moves and resizes boxes by a share of their size, sees
    one person only while one hides the other, and gives boxes in any order.
    """
    rng = np.random.default_rng(seed)
    found = []
    for boxes in crossing().bboxes:
        seen = rng.random(2) >= misses
        if box_iou(*boxes) > 0.5:
            seen[1] = False  # the one behind
        size = np.tile(boxes[:, 2:] - boxes[:, :2], 2)
        moved = np.clip(
            boxes + jitter * rng.normal(size=boxes.shape) * size,
            0,
            np.tile(SIZE[::-1], 2),
        )
        order = rng.permutation(2)
        order = order[seen[order]]
        scores = rng.uniform(0.6, 0.95, 2)
        found.append((moved[order].astype(np.float32), scores[order]))
    return found


def box_iou(first: np.ndarray, second: np.ndarray) -> float:
    """Shared part of two boxes (4,)."""
    first, second = np.asarray(first), np.asarray(second)
    low = np.maximum(first[:2], second[:2])
    high = np.minimum(first[2:], second[2:])
    shared = np.prod(np.clip(high - low, 0, None))
    areas = [np.prod(box[2:] - box[:2]) for box in (first, second)]
    return float(shared / (sum(areas) - shared))


class RecordedDetector:
    """Gives the detections of one frame after another, as a detector would."""

    name = 'recorded'

    def __init__(self, detections) -> None:
        self._left = iter(detections)

    def __call__(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert image.shape == (*SIZE, 3)
        return next(self._left)


def write_video(path: Path) -> None:
    """Write the crossing as an mp4."""
    from deforhmr_mm.apis.video_files import VideoWriter

    with VideoWriter(path, FPS, SIZE) as writer:
        for picture in crossing().pictures:
            writer.write(picture)
