"""The config of a mixture in docs/datasets.md is one that trains."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.datasets import inner_datasets
from deforhmr_mm.structures import get_keypoint_set

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / 'docs' / 'datasets.md').read_text(encoding='utf-8')
BASE = 'deforhmr_vit-tiny_openbody-v1-256x192.py'
COUNTS = dict(open_body_v1=12, mine=4, coco=4)


@pytest.fixture
def config(tmp_path, monkeypatch):
    """The page's config, in a folder with small data sets where it names large ones."""
    (block,) = re.findall(
        r'\*\*Mixtures\.\*\*[^*]*?```python\n(.*?)```', PAGE, flags=re.S
    )
    assert f"_base_ = '{BASE}'" in block
    base = ROOT / 'configs' / 'deforhmr' / BASE
    path = tmp_path / 'mixture.py'
    path.write_text(block.replace(f"'{BASE}'", repr(str(base))))
    monkeypatch.chdir(tmp_path)
    init_default_scope('deforhmr_mm')
    write_people(
        Path('data/open_body_v1/annotations/train.npz'),
        Path('data/open_body_v1'),
        pose=np.zeros((12, 72)),
        shape=np.zeros((12, 10)),
        body_fingerprint=np.array(SMPL().fingerprint),
    )
    write_people(
        Path('data/mine/train.npz'),
        Path('data/mine/images'),
        part=np.full((4, 24, 3), 50.0),
    )
    write_coco(Path('data/coco'))
    return Config.fromfile(path)


def write_picture(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((120, 160, 3), 90, np.uint8))


def write_people(path, images, **labels):
    count = len(next(iter(labels.values())))
    write_picture(images / 'a.png')
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(
        path,
        imgname=np.array(['a.png'] * count),
        center=np.full((count, 2), 60.0),
        scale=np.full(count, 0.5),
        **labels,
    )


def write_coco(folder):
    pytest.importorskip('xtcocotools.coco')
    names = list(get_keypoint_set('coco17').names)
    one = dict(image_id=1, category_id=1, keypoints=[50, 40, 2] * 17)
    content = {
        'images': [dict(id=1, file_name='a.png', width=160, height=120)],
        'categories': [dict(id=1, name='person', keypoints=names)],
        'annotations': [dict(one, id=k, bbox=[10, 10, 60, 80]) for k in range(4)],
    }
    write_picture(folder / 'train2017' / 'a.png')
    path = folder / 'annotations' / 'person_keypoints_train2017.json'
    path.parent.mkdir()
    path.write_text(json.dumps(content))


def test_the_mixture_can_be_built_over_a_small_config(config):
    loader = Runner.build_dataloader(config.train_dataloader, seed=0)
    sets = list(inner_datasets(loader.dataset))
    assert {one.dataset_name: len(one) for one in sets} == COUNTS
    # Whose labels they are is known of the synthetic people alone.
    fingerprint = SMPL().fingerprint
    assert loader.dataset.metainfo['body_fingerprint'] == fingerprint
    assert [one.metainfo['body_fingerprint'] for one in sets] == [
        fingerprint,
        None,
        None,
    ]
    # Half, a fifth and three tenths of an epoch, and one batch of all of it.
    assert loader.sampler.counts == [10, 4, 6]
    (batch,) = loader
    names = {sample.dataset_name for sample in batch['data_samples']}
    assert names == set(COUNTS)
    assert batch['inputs'].shape == (16, 3, 256, 192)


def test_what_the_base_has_beside_is_kept(config):
    base = Config.fromfile(ROOT / 'configs' / 'deforhmr' / BASE)
    loader, own = (c.train_dataloader.to_dict() for c in (base, config))
    for key in ('dataset', 'sampler'):
        changed = own.pop(key), loader.pop(key)
        assert changed[0] != changed[1]
    assert own == loader
    assert config.model == base.model
    assert (ROOT / config.load_from).is_file()
