"""The configs that train on HMR2.0's tars mix them in its shares."""

import re
from pathlib import Path

import numpy as np
import pytest
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from deforhmr_mm.datasets import inner_datasets
from tests.test_datasets.hmr2_tars import person, picture, write_tar

ROOT = Path(__file__).resolve().parents[2]
CONFIGS = ROOT / 'configs'
PAGE = (ROOT / 'docs' / 'datasets.md').read_text(encoding='utf-8')
TARS = {
    'deforhmr/deforhmr_vit-h_tars': 'deforhmr/deforhmr_vit-h_2xb100-100e_mixed',
    'hmr2/hmr2_vit-h_tars': 'hmr2/hmr2_vit-h_mixed',
}
# Of 100 people, as 4D-Humans' mix_all.yaml has it.
COUNTS = {
    'h36m-train': 10,
    'mpii-train': 10,
    'coco-train-2014-pruned': 10,
    'coco-train-2014-vitpose-pruned': 10,
    'mpi-inf-train-pruned': 2,
    'ava-train-midframes-1fps-vitpose': 19,
    'aic-train-vitpose': 19,
    'insta-train-vitpose-replicate': 20,
}
# Width and height over 200, and the crop in pixels: 3:4 around all of it.
BOXES = {(0.2, 0.4): [60, 80], (0.6, 0.4): [120, 160]}


def read(name):
    return Config.fromfile(CONFIGS / f'{name}-256x192.py')


def build(config, num_samples):
    """The loader of a training, without processes and with a short epoch."""
    init_default_scope('deforhmr_mm')
    loader = config.train_dataloader
    loader.update(num_workers=0, persistent_workers=False, pin_memory=False)
    loader.sampler.num_samples = num_samples
    return Runner.build_dataloader(loader, seed=0)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    """The folders of 4D-Humans' users: two tars in each, with two people in each."""
    root = tmp_path / 'data' / 'hmr2_training_data' / 'dataset_tars'
    root.mkdir(parents=True)
    for folder in COUNTS:
        for number in range(2):
            members = {
                f'{folder}/{number}.png': picture(90),
                f'{folder}/{number}.data.pyd': [
                    person(scale=np.array(scale)) for scale in BOXES
                ],
            }
            write_tar(root / folder / f'{number:06d}.tar', members)
    monkeypatch.chdir(tmp_path)
    return root


@pytest.mark.parametrize('name', TARS)
def test_a_batch_has_each_folder_s_share(folders, name):
    loader = build(read(name), num_samples=100)
    sets = list(inner_datasets(loader.dataset))
    assert [one.dataset_name for one in sets] == list(COUNTS)
    assert {len(one) for one in sets} == {4}
    (batch,) = loader
    drawn = [sample.dataset_name for sample in batch['data_samples']]
    assert {folder: drawn.count(folder) for folder in COUNTS} == COUNTS
    assert len(batch['inputs']) == 100
    assert {tuple(crop.shape) for crop in batch['inputs']} == {(3, 256, 192)}


def test_the_whole_box_is_cropped_without_a_factor(folders):
    loader = build(read('hmr2/hmr2_vit-h_tars'), num_samples=100)
    for one in inner_datasets(loader.dataset):
        crops = [one.get_data_info(i)['bbox_scale'] for i in range(4)]
        np.testing.assert_allclose(crops, 2 * list(BOXES.values()), rtol=1e-6)


@pytest.mark.parametrize('name', TARS)
def test_the_training_data_alone_are_others(name):
    config, base = (read(one).to_dict() for one in (name, TARS[name]))
    assert {key for key in base if config[key] != base[key]} == {'train_dataloader'}
    own, other = config['train_dataloader'], base['train_dataloader']
    for part, kept in (('dataset', 'type'), ('sampler', 'type')):
        assert own.pop(part)[kept] == other.pop(part)[kept]
    assert own == other


def test_the_page_s_config_does_without_the_largest_folder(folders, tmp_path):
    (block,) = (
        block
        for block in re.findall(r'```python\n(.*?)```', PAGE, re.S)
        if 'hmr2_vit-h_tars' in block
    )
    base = CONFIGS / 'hmr2' / 'hmr2_vit-h_tars-256x192.py'
    path = tmp_path / 'fewer.py'
    path.write_text(block.replace(f"'{base.name}'", repr(str(base))))
    (folders / 'insta-train-vitpose-replicate').rename(tmp_path / 'elsewhere')
    loader = build(Config.fromfile(path), num_samples=80)
    assert loader.sampler.counts == list(COUNTS.values())[:-1]


def test_the_page_shows_the_folders_and_their_shares():
    shown = re.findall(r'^ {4}([\w-]+)/\*\.tar +([\d.]+)$', PAGE, re.M)
    assert {folder: float(share) for folder, share in shown} == pytest.approx(
        {folder: count / 100 for folder, count in COUNTS.items()}
    )
