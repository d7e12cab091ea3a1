import types
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.structures import InstanceData
from mmengine.visualization import Visualizer

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.datasets import LoadImage, PackMeshInputs, TopdownAffine
from deforhmr_mm.engine import MeshVisualizationHook
from deforhmr_mm.structures import MeshDataSample
from deforhmr_mm.visualization import MeshVisualizer


@pytest.fixture(scope='module')
def body():
    return SMPL()


def person(body, path=None, x=0.0, focal=150.0, metainfo=None):
    """One body at rest, four metres in front of the camera, upright."""
    eye = torch.eye(3).expand(1, 24, 3, 3)
    upright = torch.diag(torch.tensor([1.0, -1.0, -1.0]))[None, None]
    output = body(upright, eye[:, 1:], torch.zeros(1, 10))
    sample = MeshDataSample(metainfo=metainfo or dict(img_path=str(path)))
    sample.pred_instances = InstanceData(
        vertices=output.vertices,
        transl=torch.tensor([[x, 0.0, 4.0]]),
        focal_length=torch.tensor([focal]),
        principal_point=torch.tensor([[80.0, 60.0]]),
    )
    return sample


@pytest.fixture(params=[MeshVisualizer, Visualizer])
def runner(request, body, tmp_path):
    loader = types.SimpleNamespace(
        batch_sampler=types.SimpleNamespace(sampler=range(10))
    )
    backends = [dict(type='LocalVisBackend')]
    return types.SimpleNamespace(
        iter=40,
        val_dataloader=loader,
        model=types.SimpleNamespace(body_model=body),
        visualizer=request.param(vis_backends=backends, save_dir=str(tmp_path / 'vis')),
    )


def validate(hook, runner, samples):
    hook.before_val_epoch(runner)
    for batch, first in enumerate(range(0, len(samples), 4)):
        hook.after_val_iter(runner, batch, None, samples[first : first + 4])


def test_the_same_few_people_each_time(runner, body, tmp_path):
    cv2.imwrite(str(tmp_path / 'blue.png'), np.full((120, 160, 3), (255, 0, 0), 'u1'))
    samples = [person(body, tmp_path / 'blue.png') for _ in range(10)]
    hook = MeshVisualizationHook(num_samples=3, max_size=80)
    validate(hook, runner, samples)
    runner.iter = 80
    validate(hook, runner, samples)
    files = sorted(path.name for path in Path(tmp_path).rglob('val_*.png'))
    # Of 10 people the first, the middle and the last.
    assert files == sorted(
        f'val_{number}_{step}.png' for number in (0, 4, 9) for step in (40, 80)
    )
    path = next(tmp_path.rglob('val_4_80.png'))
    assert path.parent.name == 'vis_image'
    picture = cv2.imread(str(path))
    assert picture.shape == (60, 80, 3)
    # Blue around; the body is symmetric about the middle column, 39.5.
    assert picture[2, 2].tolist() == [255, 0, 0]
    rows, columns = np.nonzero(picture[..., 2] > 50)
    assert len(columns) > 100 and np.ptp(rows) > 20
    assert abs(columns.mean() - 39.5) < 1


def test_fewer_samples_than_asked_for(runner, body, tmp_path):
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((120, 160, 3), np.uint8))
    runner.val_dataloader.batch_sampler.sampler = range(2)
    samples = [person(body, tmp_path / 'a.png') for _ in range(2)]
    validate(MeshVisualizationHook(num_samples=5), runner, samples)
    assert len(list(tmp_path.rglob('val_*.png'))) == 2


def test_a_test_draws_all_people_of_a_picture_together(runner, body, tmp_path):
    for name in ('a', 'b', 'c'):
        cv2.imwrite(str(tmp_path / f'{name}.png'), np.zeros((120, 160, 3), np.uint8))
    a, b, c = (tmp_path / f'{name}.png' for name in ('a', 'b', 'c'))
    samples = [
        person(body, a),
        # Two in one picture, in two batches; then another camera in the same one.
        person(body, b, x=-1.0),
        person(body, b, x=1.0),
        person(body, b, focal=100.0),
        person(body, c),
    ]
    hook = MeshVisualizationHook(out_dir=tmp_path / 'out', max_size=80)
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0, None, samples[:2])
    hook.after_test_iter(runner, 1, None, samples[2:])
    hook.after_test_epoch(runner)
    files = {path.name: path for path in (tmp_path / 'out').iterdir()}
    assert sorted(files) == [
        '000000_a.jpg',
        '000001_b.jpg',
        '000003_b.jpg',
        '000004_c.jpg',
    ]
    drawn = cv2.imread(str(files['000001_b.jpg'])).max(axis=-1) > 60
    assert drawn.shape == (60, 80)
    # 1 m to either side of pixel 39.75, at 4 m and half of 150 pixels.
    assert drawn[20:40, :39].any() and drawn[20:40, 41:].any()
    assert abs(np.nonzero(drawn)[1].mean() - 39.75) < 1.5
    assert np.ptp(np.nonzero(drawn)[1]) > 2 * 150 / 4 / 2
    assert not list(tmp_path.rglob('val_*'))


@pytest.mark.parametrize('turns', [0, 1, 3])
@pytest.mark.parametrize('in_archive', [False, True])
def test_pictures_are_drawn_as_the_pipeline_read_them(
    runner, body, tmp_path, in_archive, turns
):
    # Upright it is blue on its left half and black on its right one.
    upright = np.zeros((120, 160, 3), np.uint8)
    upright[:, :80, 0] = 255
    data = cv2.imencode('.png', np.rot90(upright, turns))[1].tobytes()
    path = tmp_path / 'few'
    path.write_bytes(b'before' + data if in_archive else data)
    sample = dict(
        img_path=str(path),
        image_turns=turns,
        bbox_center=np.array([80.0, 60]),
        bbox_scale=np.array([75.0, 100]),
    )
    if in_archive:
        sample['img_archive'] = (str(path), len(b'before'), len(data))
        sample['img_path'] = f'{path}:x/7.png'
    for step in (LoadImage(), TopdownAffine(), PackMeshInputs()):
        sample = step(sample)
    metainfo = sample['data_samples'].metainfo

    hook = MeshVisualizationHook(num_samples=1, out_dir=tmp_path / 'out')
    sample = person(body, x=-1.0, metainfo=metainfo)
    validate(hook, runner, [sample])
    hook.before_test_epoch(runner)
    hook.after_test_iter(runner, 0, None, [sample])
    hook.after_test_epoch(runner)
    pictures = [*tmp_path.rglob('val_0_40.png'), *(tmp_path / 'out').glob('*.jpg')]
    assert len(pictures) == 2
    for picture in map(cv2.imread, map(str, pictures)):
        assert picture.shape == (120, 160, 3)
        assert picture[[5, -5], 5, 0].min() > 240 and picture[[5, -5], -5].max() < 15
        # 1 m to the left of pixel 80, at 4 m, in 150 pixels.
        columns = np.nonzero(picture[..., 2] > 60)[1]
        assert len(columns) > 100 and abs(columns.mean() - 42.5) < 2


def test_a_test_draws_one_of_so_many_or_nothing(runner, body, tmp_path):
    samples = []
    for number in range(5):
        path = tmp_path / f'{number}.png'
        cv2.imwrite(str(path), np.zeros((120, 160, 3), np.uint8))
        samples.append(person(body, path))
    for out_dir, interval in (('out', 2), (None, 1)):
        out_dir = out_dir and tmp_path / out_dir
        hook = MeshVisualizationHook(out_dir=out_dir, interval=interval)
        hook.before_test_epoch(runner)
        hook.after_test_iter(runner, 0, None, samples)
        hook.after_test_epoch(runner)
    assert sorted(path.stem for path in tmp_path.rglob('*.jpg')) == [
        '000000_0',
        '000002_2',
        '000004_4',
    ]


def test_bad_arguments():
    with pytest.raises(ValueError, match='0, 640 and 1'):
        MeshVisualizationHook(num_samples=0)
