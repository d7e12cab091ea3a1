"""A body that is quick to pose, and bodies to score with slow references."""

from typing import NamedTuple

import numpy as np
import roma
import torch
from mmengine.structures import InstanceData
from torch import Tensor, nn

from deforhmr_mm.evaluation import MeshMetric
from deforhmr_mm.structures import MeshDataSample

KEYS = ('MPJPE', 'PA-MPJPE', 'PVE', 'PVE-area', 'PA-PVE', 'PCK@150', 'AUC')
NUM_VERTICES = 60


class BodyOutput(NamedTuple):
    vertices: Tensor
    joints: Tensor


class ToyBody(nn.Module):
    """A cloud that the pose turns part by part and betas stretch."""

    body_name = 'toy'
    fingerprint = '0123456789abcdef'
    num_vertices = NUM_VERTICES

    def __init__(self, with_h36m: bool = True, size: float = 1.0) -> None:
        super().__init__()
        self.size = size
        generator = torch.Generator().manual_seed(0)
        self.template = torch.randn(NUM_VERTICES, 3, generator=generator)
        joint_regressor = torch.rand(45, NUM_VERTICES, generator=generator)
        self.joint_regressor = joint_regressor / joint_regressor.sum(1, keepdim=True)
        h36m = torch.rand(17, NUM_VERTICES, generator=generator)
        self.h36m_regressor = h36m / h36m.sum(1, keepdim=True) if with_h36m else None
        areas = torch.rand(NUM_VERTICES, generator=generator)
        self.vertex_area_weights = areas / areas.sum()

    def forward(self, global_orient, body_pose, betas, transl=None) -> BodyOutput:
        parts = torch.arange(NUM_VERTICES) % body_pose.shape[1]
        vertices = self.size * self.template * (1 + 0.1 * betas.mean(-1))[:, None, None]
        vertices = (body_pose[:, parts] @ vertices[..., None])[..., 0]
        vertices = vertices @ global_orient[:, 0].mT
        return BodyOutput(vertices, self.joint_regressor @ vertices)


def make_sample(body: ToyBody, seed: int, labelled: bool = True) -> MeshDataSample:
    generator = torch.Generator().manual_seed(seed)
    truth, guess = (
        {
            'global_orient': roma.random_rotmat((1, 1), generator=generator),
            'body_pose': roma.random_rotmat((1, 23), generator=generator),
            'betas': torch.randn(1, 10, generator=generator),
        }
        for _ in range(2)
    )
    sample = MeshDataSample(metainfo=dict(sample_id=str(seed)))
    sample.gt_instances = InstanceData(
        **truth, has_smpl=torch.tensor([float(labelled)])
    )
    pred = body(**guess)
    sample.pred_instances = InstanceData(
        vertices=pred.vertices + 3, joints=pred.joints + 3
    )
    return sample


def as_dicts(samples: list[MeshDataSample]) -> list[dict]:
    return [sample.to_dict() for sample in samples]


def score(metric: MeshMetric, samples: list[MeshDataSample], batch: int = 4) -> dict:
    for start in range(0, len(samples), batch):
        metric.process(None, as_dicts(samples[start : start + batch]))
    return metric.evaluate(len(samples))


def procrustes_error(pred: np.ndarray, target: np.ndarray) -> float:
    """Slow reference of PA-MPJPE for one body."""
    x, y = pred - pred.mean(0), target - target.mean(0)
    u, d, vt = np.linalg.svd(y.T @ x)
    sign = np.diag([1, 1, np.sign(np.linalg.det(u @ vt))])
    scale = np.trace(np.diag(d) @ sign) / (x**2).sum()
    return np.linalg.norm(scale * x @ (u @ sign @ vt).T - y, axis=1).mean()


def slow_scores(body: ToyBody, samples, protocol: str, pelvis: str) -> dict:
    rows = []
    areas = body.vertex_area_weights.numpy()
    for sample in samples:
        gt = sample.gt_instances
        truth = body(gt.global_orient, gt.body_pose, gt.betas)
        clouds = []
        for output in (sample.pred_instances, truth):
            vertices = output.vertices[0].double().numpy()
            if protocol == 'smpl24':
                joints = output.joints[0, :24].double().numpy()
                root = joints[0] if pelvis == 'pelvis' else joints[[1, 2]].mean(0)
            elif protocol == 'regressed':
                joints = (body.joint_regressor.double().numpy() @ vertices)[:24]
                root = joints[0] if pelvis == 'pelvis' else joints[[1, 2]].mean(0)
            else:
                joints = body.h36m_regressor.double().numpy() @ vertices
                root = joints[0] if pelvis == 'pelvis' else joints[[1, 4]].mean(0)
                # SPIN's H36M_TO_J14
                joints = joints[[6, 5, 4, 1, 2, 3, 16, 15, 14, 11, 12, 13, 8, 10]]
            clouds.append((joints, joints - root, vertices - root))
        (pred_raw, pred_joints, pred_vertices), (raw, joints, vertices) = clouds
        distance = np.linalg.norm(pred_vertices - vertices, axis=1)
        joint_distance = np.linalg.norm(pred_joints - joints, axis=1)
        shares = [(joint_distance <= mm / 1000).mean() for mm in range(0, 151, 5)]
        rows.append(
            (
                1000 * joint_distance.mean(),
                1000 * procrustes_error(pred_raw, raw),
                1000 * distance.mean(),
                1000 * (distance * areas).sum(),
                1000 * procrustes_error(pred_vertices, vertices),
                100 * shares[-1],
                100 * np.mean(shares),
            )
        )
    return dict(zip(KEYS, np.mean(rows, axis=0), strict=True))
