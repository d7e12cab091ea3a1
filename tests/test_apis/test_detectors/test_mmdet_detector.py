"""Detectors of mmdet: a tiny one for real, and one that finds what it is told."""

import types

import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import DefaultScope
from mmengine.structures import InstanceData

from deforhmr_mm.apis.detectors import MMDetDetector, PersonDetector, mmdet_detector
from deforhmr_mm.apis.inference import ConfigError
from deforhmr_mm.engine.checkpoints import CheckpointError

CONFIG = """
default_scope = 'mmdet'
norm, act = dict(type='BN'), dict(type='SiLU')
model = dict(
    type='RTMDet',
    data_preprocessor=dict(type='DetDataPreprocessor', mean=[100.0] * 3,
        std=[60.0] * 3, bgr_to_rgb=False),
    backbone=dict(type='CSPNeXt', arch='P5', expand_ratio=0.5, deepen_factor=0.167,
        widen_factor=0.125, channel_attention=True, norm_cfg=norm, act_cfg=act),
    neck=dict(type='CSPNeXtPAFPN', in_channels=[32, 64, 128], out_channels=32,
        num_csp_blocks=1, expand_ratio=0.5, norm_cfg=norm, act_cfg=act),
    bbox_head=dict(type='RTMDetSepBNHead', num_classes=2, in_channels=32,
        stacked_convs=1, feat_channels=32, with_objectness=False, share_conv=True,
        anchor_generator=dict(type='MlvlPointGenerator', offset=0, strides=[8, 16, 32]),
        bbox_coder=dict(type='DistancePointBBoxCoder'),
        loss_cls=dict(type='QualityFocalLoss', use_sigmoid=True, beta=2.0),
        loss_bbox=dict(type='GIoULoss'), norm_cfg=norm, act_cfg=act),
    test_cfg=dict(nms_pre=200, min_bbox_size=0, score_thr=0.001,
        nms=dict(type='nms', iou_threshold=0.65), max_per_img=100))
test_pipeline = [
    dict(type='LoadImageFromFile'),
    dict(type='Resize', scale=(64, 64), keep_ratio=True),
    dict(type='Pad', size=(64, 64), pad_val=dict(img=(114, 114, 114))),
    dict(type='LoadAnnotations', with_bbox=True),
    dict(type='PackDetInputs', meta_keys=('img_id', 'img_path', 'ori_shape',
        'img_shape', 'scale_factor'))]
test_dataloader = dict(dataset=dict(type='CocoDataset', ann_file='none.json',
    metainfo=dict(classes=('car', 'person')), pipeline=test_pipeline))
"""


@pytest.fixture
def mmdet():
    """Real mmdet, with all that its import needs."""
    pytest.importorskip('mmdet')


@pytest.fixture
def config(tmp_path):
    path = tmp_path / 'tiny_rtmdet.py'
    path.write_text(CONFIG)
    return path


def picture():
    return np.random.default_rng(0).integers(0, 256, (100, 80, 3), np.uint8)


def test_a_tiny_detector_end_to_end(mmdet, config, tmp_path):
    DefaultScope.get_instance('test', scope_name='deforhmr_mm')
    detector = MMDetDetector(config, score_thr=0.0, nms_iou=None)
    assert DefaultScope.get_current_instance().scope_name == 'deforhmr_mm'
    assert detector.name == "mmdet's tiny_rtmdet"
    assert isinstance(detector, PersonDetector)
    image = picture()
    bboxes, scores = detector(image)
    # By hand: the pipeline's steps are a resize by 64 / 100 and a frame of grey.
    import cv2

    small = np.full((64, 64, 3), 114, np.uint8)
    small[:, :51] = cv2.resize(image, (51, 64))
    inputs = torch.from_numpy((small.astype(np.float32) - 100) / 60)
    sample = detector._pipeline(dict(img=image, img_id=0))['data_samples']
    with torch.no_grad():
        inputs = inputs.permute(2, 0, 1)[None]
        (raw,) = detector.model(inputs, [sample], mode='predict')
    people = raw.pred_instances[raw.pred_instances.labels == 1]  # 'person' of two
    wide = (people.bboxes[:, 2:] - people.bboxes[:, :2] >= 2).all(1)
    # Some of what is found is no person, and left out.
    assert 0 < wide.sum() and len(people) < len(raw.pred_instances)
    np.testing.assert_allclose(scores, people.scores[wide], atol=1e-5)
    limits = np.array([80, 100, 80, 100], np.float32)
    wanted = people.bboxes[wide].numpy().clip(0, limits)
    np.testing.assert_allclose(bboxes, wanted, atol=1e-3)


def test_weights_and_their_classes(mmdet, config, tmp_path):
    first = MMDetDetector(config)
    state = {key: value + 0.01 for key, value in first.model.state_dict().items()}
    path = tmp_path / 'a.pth'
    for meta in (
        {'dataset_meta': {'CLASSES': ('Person', 'dog')}},
        {'dataset_meta': {'classes': ['Person', 'dog']}},
        {'CLASSES': ('Person', 'dog')},
    ):
        torch.save({'state_dict': state, 'meta': meta}, path)
        detector = MMDetDetector(config, path, score_thr=0.0)
        assert detector._label == 0
    stored = detector.model.state_dict()
    for key in ('bbox_head.rtm_cls.0.weight', 'backbone.stem.0.conv.weight'):
        assert torch.equal(stored[key], state[key])
    torch.save({'state_dict': state}, path)
    assert MMDetDetector(config, path)._label == 1  # the config names them
    with pytest.raises(ValueError, match="no class 'cat', only car, person"):
        MMDetDetector(config, path, category='cat')


def test_bad_weights_are_named(mmdet, config, tmp_path):
    path = tmp_path / 'a.pth'
    state = MMDetDetector(config).model.state_dict()
    key = 'bbox_head.rtm_cls.0.weight'
    torch.save({'state_dict': {k: v for k, v in state.items() if k != key}}, path)
    with pytest.raises(CheckpointError, match=rf'a\.pth.* lacks 1 weights \({key}'):
        MMDetDetector(config, path)
    torch.save({'state_dict': {**state, key: torch.zeros(3)}}, path)
    with pytest.raises(CheckpointError, match=r'a\.pth is of another detector'):
        MMDetDetector(config, path)
    with pytest.raises(FileNotFoundError, match='none.pth'):
        MMDetDetector(config, tmp_path / 'none.pth')


def test_bad_configs_are_named(mmdet, config, tmp_path):
    with pytest.raises(FileNotFoundError, match='none.py'):
        MMDetDetector(tmp_path / 'none.py')
    config.write_text(CONFIG.replace("'RTMDet'", "'RTMDot'"))
    with pytest.raises(ConfigError, match='from tiny_rtmdet: .*RTMDot'):
        MMDetDetector(config)
    with pytest.raises(ConfigError, match='cannot build a detector from a config'):
        MMDetDetector(Config({'a': 1}))


@pytest.mark.parametrize(
    ('error', 'message'),
    [
        (ModuleNotFoundError("No module named 'mmdet'", name='mmdet'), 'onedl-mmdet'),
        (
            ModuleNotFoundError("No module named 'x'", name='imgaug.a'),
            'pip install --no-deps imaug, or `make install-test`',
        ),
        (AssertionError('MMCV==9 is used but incompatible'), 'MMCV==9 is used'),
    ],
)
def test_missing_mmdet_is_one_line(monkeypatch, error, message):
    def fail(name):
        raise error

    monkeypatch.setattr(mmdet_detector.importlib, 'import_module', fail)
    with pytest.raises(ImportError, match=message) as found:
        MMDetDetector('any.py')
    assert '\n' not in str(found.value)


def test_people_are_kept_and_others_go(monkeypatch):
    """A stand-in for mmdet's functions gives known boxes."""
    found = InstanceData(
        bboxes=torch.tensor(
            [
                [10.0, 10, 50, 90],  # a person
                [10, 10, 50, 88],  # the same one
                [60, 20, 79, 80],  # a car
                [55, 5, 200, 90],  # a person who reaches out of the picture
                [1, 1, 9, 9],  # a person, hardly
            ]
        ),
        scores=torch.tensor([0.9, 0.8, 0.95, 0.6, 0.1]),
        labels=torch.tensor([1, 1, 0, 1, 1]),
    )
    model = torch.nn.Linear(1, 1)
    model.dataset_meta = {'classes': ('car', 'person')}
    model.cfg = Config({})
    seen = []

    def inference_detector(model, image, test_pipeline):
        seen.append((image, test_pipeline))
        return types.SimpleNamespace(pred_instances=found)

    apis = types.SimpleNamespace(
        init_detector=lambda cfg, checkpoint, device: model,
        inference_detector=inference_detector,
    )
    monkeypatch.setattr(mmdet_detector, 'import_mmdet', lambda: apis)
    monkeypatch.setattr(mmdet_detector, '_test_pipeline', lambda cfg: 'pipeline')
    detector = MMDetDetector(Config({}))
    image = picture()
    bboxes, scores = detector(image)
    assert bboxes.tolist() == [[10, 10, 50, 90], [55, 5, 80, 90]]
    assert scores.tolist() == pytest.approx([0.9, 0.6])
    assert seen == [(image, 'pipeline')]


@pytest.mark.parametrize('kernels', [True, False])
def test_without_kernels_for_the_gpu_it_runs_on_the_cpu(monkeypatch, kernels):
    """The GPU is a stand-in: what is moved stays where it is."""
    moves, logged = [], []

    class Model(torch.nn.Linear):
        dataset_meta = {'classes': ('person',)}
        cfg = Config({})

        def to(self, device):
            moves.append(str(device))
            return self

    apis = types.SimpleNamespace(init_detector=lambda cfg, _, device: Model(1, 1))
    monkeypatch.setattr(mmdet_detector, 'import_mmdet', lambda: apis)
    monkeypatch.setattr(mmdet_detector, '_test_pipeline', lambda cfg: 'pipeline')
    monkeypatch.setattr(mmdet_detector, 'mmcv_has_cuda_kernel', lambda device: kernels)
    monkeypatch.setattr(mmdet_detector, 'print_log', lambda *said: logged.append(said))
    MMDetDetector(Config({}), device='cuda:1')
    assert moves == (['cuda:1'] if kernels else ['cuda:1', 'cpu'])
    said = ' '.join(text for text, *_ in logged)
    assert ('runs on the CPU' in said and 'cuda:1' in said) is not kernels
    moves.clear()
    MMDetDetector(Config({}))
    assert moves == ['cpu']


def test_weights_from_an_address_are_fetched_once(monkeypatch, tmp_path):
    from contextlib import contextmanager

    fetched = []

    @contextmanager
    def download(url):
        fetched.append(url)
        (tmp_path / 'file').write_bytes(b'weights')
        yield tmp_path / 'file'

    monkeypatch.setattr(mmdet_detector, 'download', download)
    monkeypatch.setattr(torch.hub, 'get_dir', lambda: str(tmp_path / 'hub'))
    for _ in range(2):
        path = mmdet_detector._local_file('https://host/a/det.pth')
        assert path.name == 'det.pth' and path.read_bytes() == b'weights'
    assert fetched == ['https://host/a/det.pth']
    assert [file.name for file in path.parent.iterdir()] == ['det.pth']
