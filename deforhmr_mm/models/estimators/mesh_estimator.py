"""From a batch of crops to bodies, and from labels to losses."""

from collections.abc import Sequence

import torch
from mmengine.model import BaseModel
from mmengine.structures import InstanceData
from torch import Tensor, nn

from deforhmr_mm.geometry.boxes import BBOX_PADDING
from deforhmr_mm.geometry.cameras import (
    crop_to_full_translation,
    default_focal_length,
    image_center,
    perspective_projection,
)
from deforhmr_mm.geometry.kinematics import chain_rotations
from deforhmr_mm.models.backbones import CachedFeatures
from deforhmr_mm.models.estimators.flip_test import average_params, mirror_params
from deforhmr_mm.registry import MODELS
from deforhmr_mm.structures import MeshDataSample

LABELS = (
    'global_orient',
    'body_pose',
    'betas',
    'has_pose',
    'has_betas',
    'has_smpl',
    'keypoints',
    'keypoints_conf',
    'joints_3d',
    'joints_3d_conf',
)


class BodyMismatchError(ValueError):
    """A checkpoint, labels or a metric belong to another body than the model's."""


@MODELS.register_module()
class MeshEstimator(BaseModel):
    """Recover the body of one person from a crop.

    The estimator owns the encoder, the head and the losses; the body model is given to
    it, and is no part of its checkpoints. They carry the body's fingerprint instead,
    since pose and shape parameters mean something only with the body they were learned
    on.

    Args:
        backbone: config of the encoder, (B, 3, H, W) -> (B, C, h, w), or a sequence
            of such levels.
        head: config of the head, features -> SMPL parameters and crop camera.
        losses: configs of the losses, by name, None for one left out; needed to train.
        body_model: config of the body, the open body by default.
        auxiliary_head: config of a head that helps training only.
        test_cfg: ``flip_test=True`` lets `predict_params`, and so `predict`, average
            the bodies of each crop and of its mirror image, at twice the time. It needs
            pictures: cached features cannot be mirrored. ``bbox_padding``, 1.2 by
            default, is how much the inference APIs enlarge boxes; data sets have an
            option of that name of their own.
        data_preprocessor: config of mmengine's ``ImgDataPreprocessor``.
        init_cfg: mmengine's weight initialisation.

    Raises:
        ValueError: if `test_cfg` has another option, asks cached features to flip, or
            enlarges boxes by nothing positive.
    """

    def __init__(
        self,
        backbone: dict,
        head: dict,
        losses: dict | None = None,
        body_model: dict | None = None,
        auxiliary_head: dict | None = None,
        test_cfg: dict | None = None,
        data_preprocessor: dict | None = None,
        init_cfg: dict | None = None,
    ) -> None:
        super().__init__(data_preprocessor=data_preprocessor, init_cfg=init_cfg)
        self.backbone = MODELS.build(backbone)
        self.head = MODELS.build(head)
        self.losses = nn.ModuleDict(
            {name: MODELS.build(loss) for name, loss in (losses or {}).items() if loss}
        )
        self._trains_on_vertices = any(
            getattr(loss, 'needs_vertices', False) for loss in self.losses.values()
        )
        self.auxiliary_head = MODELS.build(auxiliary_head) if auxiliary_head else None
        test_cfg = dict(test_cfg or {})
        self.flip_test = self._wants_flip_test(test_cfg.pop('flip_test', False))
        self.bbox_padding = float(test_cfg.pop('bbox_padding', BBOX_PADDING))
        if not self.bbox_padding > 0:
            raise ValueError(
                f'test_cfg: bbox_padding must be above 0, got {self.bbox_padding}'
            )
        if test_cfg:
            raise ValueError(
                'test_cfg: only flip_test and bbox_padding are known, got '
                f'{", ".join(sorted(test_cfg))}'
            )
        self.body_model = MODELS.build(body_model or dict(type='SMPL'))
        self.register_buffer(
            'body_fingerprint', _text_to_bytes(self.body_model.fingerprint)
        )

    def forward(
        self,
        inputs: Tensor,
        data_samples: list[MeshDataSample] | None = None,
        mode: str = 'tensor',
    ) -> dict[str, Tensor] | list[MeshDataSample]:
        """Run the model in one of mmengine's three modes.

        Args:
            inputs: (B, 3, H, W) normalised crops.
            data_samples: one for each crop; needed by ``'loss'`` and ``'predict'``.
            mode: ``'loss'`` gives a dict of losses, ``'predict'`` the samples with
                ``pred_instances``, ``'tensor'`` the head's parameters, without the flip
                test.

        Returns:
            As `mode` says.

        Raises:
            ValueError: if `mode` is another.
        """
        if mode == 'loss':
            return self.loss(inputs, data_samples)
        if mode == 'predict':
            return self.predict(inputs, data_samples)
        if mode == 'tensor':
            return self._regress(self.backbone(inputs), data_samples)
        raise ValueError(f"mode must be 'loss', 'predict' or 'tensor', got {mode!r}")

    def loss(
        self, inputs: Tensor, data_samples: list[MeshDataSample]
    ) -> dict[str, Tensor]:
        """Losses of one training batch; see `forward` for the arguments.

        Raises:
            ValueError: if a sample lacks a label that every one has, or two losses give
                terms of one name.
        """
        feats = self.backbone(inputs)
        params = self._regress(feats, data_samples)
        pred = self._with_body(params, self._trains_on_vertices)
        target = self._targets(data_samples)
        target['crop_size'] = self._crop_size(inputs, data_samples[0])
        terms = {
            f'losses.{name}': criterion(pred, target)
            for name, criterion in self.losses.items()
        }
        if self.auxiliary_head is not None:
            # Pixel centres at integers: a crop spans [-0.5, width - 0.5].
            size = target['keypoints'].new_tensor(target['crop_size'])
            target['keypoints_normalized'] = (2 * target['keypoints'] + 1) / size - 1
            terms['auxiliary_head'] = self.auxiliary_head.loss(feats, target)
        return _one_dict(terms)

    def predict(
        self, inputs: Tensor, data_samples: list[MeshDataSample]
    ) -> list[MeshDataSample]:
        """Recover the bodies of a batch, in the full image's camera.

        Args:
            inputs: (B, 3, H, W) normalised crops.
            data_samples: one for each, with ``ori_shape``, ``input_center`` and
                ``input_scale`` (pixels of the full image); ``focal_length`` and
                ``principal_point`` in pixels if they are known.

        Returns:
            The samples with ``pred_instances`` (see `MeshDataSample`): 2D keypoints are
            defined by the full camera.
        """
        params = self.predict_params(inputs, data_samples)
        pred = self._with_body(params, vertices=True)
        camera = self._full_cameras(data_samples, like=pred['camera'])
        center, scale = camera['center'], camera['scale']
        pred['transl'] = crop_to_full_translation(
            pred['camera'],
            center,
            scale[:, 1],
            camera['principal_point'],
            camera['focal_length'],
        )
        pred['keypoints'] = perspective_projection(
            pred['joints'],
            camera['focal_length'],
            camera['principal_point'],
            pred['transl'],
        )
        pred['focal_length'] = camera['focal_length']
        pred['principal_point'] = camera['principal_point']
        pred['bboxes'] = torch.cat((center - scale / 2, center + scale / 2), dim=1)
        for index, sample in enumerate(data_samples):
            instances = InstanceData()
            for name, value in pred.items():
                # A view would keep, and pickle, the whole batch with each person.
                instances.set_field(value[index : index + 1].clone(), name)
            score = sample.metainfo.get('bbox_score', 1.0)
            instances.bbox_scores = scale.new_tensor([score])
            sample.pred_instances = instances
            sample.set_metainfo(
                dict(
                    body_fingerprint=self.body_model.fingerprint,
                    body_name=self.body_model.body_name,
                    flip_test=self.flip_test,
                )
            )
        return data_samples

    def predict_params(
        self, inputs: Tensor, data_samples: list[MeshDataSample] | None = None
    ) -> dict[str, Tensor]:
        """Recover a batch's SMPL parameters without posing the body.

        Args:
            inputs: (B, 3, H, W) normalised crops.
            data_samples: one for each, as `predict` takes them; needed if the head asks
                where the crops lie.

        Returns:
            ``global_orient`` (B, 1, 3, 3), ``body_pose`` (B, 23, 3, 3), ``betas``
            (B, K) and ``camera`` (B, 3), the crop camera (s, tx, ty); with
            ``flip_test`` the means over each crop and its mirror image.
        """
        params = self._regress(self.backbone(inputs), data_samples)
        if not self.flip_test:
            return params
        feats = self.backbone(inputs.flip(-1))
        mirrored = self._regress(feats, data_samples, mirrored=True)
        return average_params(params, mirror_params(mirrored))

    def _regress(
        self,
        feats: Tensor | Sequence[Tensor],
        data_samples: list[MeshDataSample] | None,
        mirrored: bool = False,
    ) -> dict[str, Tensor]:
        """The head's parameters; a head that asks is told where the crops lie."""
        if data_samples is None or not getattr(self.head, 'needs_box_info', False):
            return self.head(feats)
        like = feats if isinstance(feats, Tensor) else feats[0]
        camera = self._full_cameras(data_samples, like=like.detach().float())
        offset = camera['center'] - camera['principal_point']
        if mirrored:
            offset = offset * offset.new_tensor([-1, 1])
        lengths = torch.cat((offset, camera['scale'][:, 1:]), dim=1)
        return self.head(feats, lengths / camera['focal_length'][:, None])

    def _wants_flip_test(self, flip_test: bool) -> bool:
        if flip_test and isinstance(self.backbone, CachedFeatures):
            raise ValueError(
                'test_cfg: flip_test=True needs pictures, but the backbone is '
                'CachedFeatures: test the merged checkpoint '
                '(tools/misc/merge_backbone.py) with the config of the whole model'
            )
        return flip_test

    def _with_body(
        self, params: dict[str, Tensor], vertices: bool
    ) -> dict[str, Tensor]:
        """The parameters, the joints that they pose and, if wanted, the vertices."""
        pose = (params['global_orient'], params['body_pose'], params['betas'])
        if not vertices:
            return dict(params, joints=self.body_model.joints(*pose))
        body = self.body_model(*pose)
        return dict(params, vertices=body.vertices, joints=body.joints)

    def _crop_size(self, inputs: Tensor, sample: MeshDataSample) -> tuple[int, int]:
        """Width and height of the crops, which cached features do not have."""
        size = sample.metainfo.get('input_size')
        if size is None and isinstance(self.backbone, CachedFeatures):
            raise ValueError(
                'training from cached features needs input_size, the width and height '
                "of the crops, in each sample's metainfo: PackMeshInputs packs it, "
                'unless its meta_keys leave it out'
            )
        return tuple(inputs.shape[:-3:-1] if size is None else size)

    @torch.no_grad()
    def _targets(self, data_samples: list[MeshDataSample]) -> dict[str, Tensor]:
        """Every label of a batch; posed SMPL labels stand for 3D joints, too."""
        first = data_samples[0].gt_instances
        missing = [name for name in LABELS if name not in first]
        if missing:
            raise ValueError(
                f'training needs the labels {", ".join(LABELS)}, but gt_instances has '
                f'no {", ".join(missing)}: the data set gives them, and PackMeshInputs '
                'is to pack them'
            )
        target = {
            name: torch.cat([sample.gt_instances[name] for sample in data_samples])
            for name, value in first.items()
            if isinstance(value, Tensor)
        }
        self._check_labels_fit(target)
        target = self._with_body(target, self._trains_on_vertices)
        target['orientations'] = chain_rotations(
            torch.cat((target['global_orient'], target['body_pose']), dim=1),
            self.body_model.parents,
        )
        has_smpl = target['has_smpl'][:, None] > 0
        target['joints'] = torch.where(
            has_smpl[..., None], target['joints'], target.pop('joints_3d')
        )
        conf = target.pop('joints_3d_conf')
        target['joints_conf'] = torch.where(has_smpl, torch.ones_like(conf), conf)
        return target

    def _check_labels_fit(self, target: dict[str, Tensor]) -> None:
        """Labels have ten shape coefficients and all 45 joints: so must the body."""
        body = self.body_model
        for name, ours, theirs, mend in (
            ('betas', body.num_betas, target['betas'].shape[-1], 'num_betas'),
            ('joints', body.num_joints, target['joints_3d'].shape[1], 'landmark_ids'),
        ):
            if ours != theirs:
                raise ValueError(
                    f'training: the labels have {theirs} {name}, but the body '
                    f'{body.body_name} has {ours}: see {mend} of model.body_model'
                )

    @staticmethod
    def _full_cameras(
        data_samples: list[MeshDataSample], like: Tensor
    ) -> dict[str, Tensor]:
        """Boxes and intrinsics of the samples, with defaults for unknown intrinsics."""
        rows: dict[str, list] = dict(
            center=[], scale=[], focal_length=[], principal_point=[]
        )
        for sample in data_samples:
            meta = sample.metainfo
            height, width = meta['ori_shape'][:2]
            focal_length = meta.get('focal_length')
            if focal_length is None:
                focal_length = default_focal_length(width, height)
            principal_point = meta.get('principal_point')
            if principal_point is None:
                principal_point = image_center(width, height)
            rows['center'].append(torch.as_tensor(meta['input_center']))
            rows['scale'].append(torch.as_tensor(meta['input_scale']))
            rows['focal_length'].append(torch.as_tensor(focal_length))
            rows['principal_point'].append(torch.as_tensor(principal_point))
        return {name: torch.stack(values).to(like) for name, values in rows.items()}

    def _load_from_state_dict(
        self, state_dict: dict, prefix: str, *args: object, **kwargs: object
    ) -> None:
        stored = state_dict.get(f'{prefix}body_fingerprint')
        if stored is not None and stored.tolist() != self.body_fingerprint.tolist():
            raise BodyMismatchError(
                f'the checkpoint was trained for the body {_bytes_to_text(stored)}, '
                f'but this model has {self.body_model.body_name} '
                f'({self.body_model.fingerprint}). Parameters of one body mean nothing '
                'on another: set model.body_model.model_path to the body that the '
                'checkpoint was trained for'
            )
        super()._load_from_state_dict(state_dict, prefix, *args, **kwargs)


def _one_dict(terms: dict[str, dict[str, Tensor]]) -> dict[str, Tensor]:
    """The terms of every loss; two of one name would hide each other."""
    together: dict[str, Tensor] = {}
    giver: dict[str, str] = {}
    for source, losses in terms.items():
        for name, value in losses.items():
            if name in together:
                raise ValueError(
                    f'{giver[name]} and {source} both give a loss named {name!r}, of '
                    'which one would be lost: let one of their classes return it by '
                    'another name'
                )
            together[name], giver[name] = value, source
    return together


def _text_to_bytes(text: str) -> Tensor:
    # Of int64: the mean over processes that mmengine's SyncBuffersHook takes of every
    # buffer begins with a sum, which bytes are too small for.
    return torch.tensor(list(text.encode('ascii')))


def _bytes_to_text(data: Tensor) -> str:
    return bytes(data.to(torch.uint8).tolist()).decode('ascii', 'replace')
