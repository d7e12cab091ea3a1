"""The package and the config of docs/extending.md work, and its tables are true."""

import json
import re
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.registry import init_default_scope
from mmengine.runner import Runner

from deforhmr_mm.datasets import mesh_collate
from deforhmr_mm.geometry import crop_to_translation, perspective_projection
from deforhmr_mm.registry import DATASETS, MODELS, TRANSFORMS

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / 'docs' / 'extending.md').read_text(encoding='utf-8')
CONFIG = '## The config'
IN_PYTHON = 'In Python of your own:'
FILES = ('__init__', 'network', 'losses', 'data')
# Left and right knee, of which the right one of the third person is not known.
MARKS = np.array([[[90, 70, 1], [60, 80, 0.5]]] * 4, dtype=np.float64)
MARKS[2, 1] = 0


def block_after(words):
    """The first block of Python after some words of the page."""
    return re.search(r'```python\n(.*?)```', PAGE.split(words)[1], re.S).group(1)


@pytest.fixture(scope='module')
def config(tmp_path_factory):
    """The page's config, with its package and four people where it looks for them."""
    folder = tmp_path_factory.mktemp('own')
    package = folder / 'my_hmr'
    package.mkdir()
    for name in FILES:
        block = block_after(f'`my_hmr/{name}.py`')
        (package / f'{name}.py').write_text(block)
    people = [
        dict(image=f'{i}.png', bbox=[20, 10, 100, 105], marks=MARKS[i].tolist())
        for i in range(4)
    ]
    for one in people:
        picture = np.zeros((120, 160, 3), np.uint8)
        # Blobs that are found again in the crop: red is the left knee, green the right.
        for channel, (x, y, weight) in zip((2, 1), one['marks'], strict=True):
            if weight:
                picture[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2, channel] = 255
        cv2.imwrite(str(folder / one['image']), picture)
    (folder / 'train.json').write_text(json.dumps(people))
    text = block_after(CONFIG)
    assert "data_root='data/marks/'" in text
    path = folder / 'marks.py'
    path.write_text(text.replace('data/marks/', f'{folder}/'))
    registries = (MODELS, DATASETS, TRANSFORMS)
    before = [dict(registry.module_dict) for registry in registries]
    sys.path.insert(0, str(folder))
    try:
        init_default_scope('deforhmr_mm')
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            exec(block_after(IN_PYTHON), read := {})
        yield read['config']
    finally:
        sys.path.remove(str(folder))
        for name in [name for name in sys.modules if name.split('.')[0] == 'my_hmr']:
            del sys.modules[name]
        for registry, known in zip(registries, before, strict=True):
            for name in set(registry.module_dict) - set(known):
                if registry.module_dict[name].__module__.startswith('my_hmr'):
                    del registry.module_dict[name]


@pytest.fixture
def model(config):
    return MODELS.build(config.model)


@pytest.fixture
def batch(config):
    """Two people, the third and the fourth, as the loader gives them."""
    init_default_scope('deforhmr_mm')
    dataset = DATASETS.build(config.train_dataloader.dataset)
    batch = mesh_collate([dataset[2], dataset[3]])
    return batch | dict(inputs=batch['inputs'].float())


def test_every_block_is_one_that_is_tested():
    words = [*(f'`my_hmr/{name}.py`' for name in FILES), CONFIG, IN_PYTHON]
    assert re.findall(r'```python\n(.*?)```', PAGE, re.S) == list(
        map(block_after, words)
    )


def test_two_steps_of_training(config, tmp_path):
    run = Config(config.to_dict())
    run.work_dir = str(tmp_path)
    run.train_dataloader.batch_size = 2
    run.train_cfg.max_epochs = 1
    run.default_hooks.logger.interval = 1
    for part in ('dataloader', 'cfg', 'evaluator'):
        run[f'val_{part}'] = run[f'test_{part}'] = None
    runner = Runner.from_cfg(run)
    before = {key: value.clone() for key, value in runner.model.state_dict().items()}
    runner.train()
    assert runner.iter == 2
    scalars = next(tmp_path.glob('*/vis_data/scalars.json')).read_text().splitlines()
    lines = [json.loads(line) for line in scalars]
    assert len(lines) == 2
    for line in lines:
        own = {'loss_marks', 'loss_pose', 'loss_betas', 'loss_joints_2d', 'loss_inside'}
        assert own < set(line) and 'loss_joints_3d' not in line
        assert line['loss_marks'] > 0
        # There is nothing else to learn from in this data set.
        assert line['loss'] == pytest.approx(line['loss_marks'])
    after = runner.model.state_dict()
    for part in ('backbone', 'head'):
        keys = [key for key in before if key.startswith(f'{part}.') and 'weight' in key]
        assert keys and all(not torch.equal(before[k], after[k]) for k in keys), part


def shapes_of(title):
    """The keys of the page's next table after some words, with their shapes."""
    lines = PAGE.split(title)[1].partition('| key |')[2].partition('\n\n')[0]
    return dict(re.findall(r'^\| `(\w+)` \| ([^|]*?) \|', lines, re.M))


def check_shapes(values, expected, model, people=2):
    """Compare a dict's shapes with those of a table, (B, V, 3) for example."""
    for name, shape in expected.items():
        if name == 'crop_size':
            assert values[name] == (192, 256)
            continue
        letters = {'B': people, 'V': model.body_model.num_vertices}
        sizes = re.findall(r'\w+', shape)
        sizes = tuple(letters.get(size) or int(size) for size in sizes)
        assert tuple(values[name].shape) == sizes, name
        assert values[name].dtype == torch.float32, name


def test_the_tables_have_what_heads_return_and_losses_get(model, batch):
    seen = {}
    loss, auxiliary = model.losses['marks'], model.auxiliary_head
    loss.register_forward_pre_hook(
        lambda _, args: seen.update(pred=dict(args[0]), target=dict(args[1]))
    )
    model.head.register_forward_hook(lambda *args: seen.update(head=args[2]))
    kept = auxiliary.loss
    auxiliary.loss = lambda feats, target: (
        seen.update(feats=feats, auxiliary=dict(target)) or kept(feats, target)
    )
    model(**batch, mode='loss')
    # The feature map is as large as its comment says.
    assert seen['feats'].shape == (2, 64, 8, 6)

    head = shapes_of('**A head**')
    assert set(head) == set(seen['head'])
    check_shapes(seen['head'], head, model)
    pred = shapes_of('`pred` is')
    assert set(pred) == set(seen['pred'])
    check_shapes(seen['pred'], pred, model)
    target = shapes_of('`target` has')
    assert set(target) == set(seen['auxiliary']) - {'marks', 'marks_conf'}
    check_shapes(seen['auxiliary'], target, model)
    assert set(seen['auxiliary']) - set(seen['target']) == {'keypoints_normalized'}
    assert seen['target']['marks'].shape == (2, 2, 2)
    torch.testing.assert_close(
        seen['target']['marks_conf'].sort(dim=1).values,
        torch.tensor([[0.0, 1.0], [0.5, 1.0]]),
    )


def test_without_a_loss_that_needs_them_there_are_no_vertices(config, batch):
    losses = dict(config.model.losses, marks=None)
    model = MODELS.build(dict(config.model, losses=losses))
    seen = {}
    first = next(iter(model.losses.values()))
    first.register_forward_pre_hook(lambda _, args: seen.update(args[0]))
    model(**batch, mode='loss')
    assert 'joints' in seen and 'vertices' not in seen


def test_marks_move_with_the_picture(config):
    init_default_scope('deforhmr_mm')
    dataset = DATASETS.build(config.train_dataloader.dataset)
    flips, compared = set(), 0
    for seed in range(8):
        np.random.seed(seed)
        packed = dataset[0]
        labels = packed['data_samples'].gt_instances
        flip = packed['data_samples'].flip
        flips.add(flip)
        crop = packed['inputs'].numpy()
        # A mirrored left knee is a right one, at a place that its weight goes with.
        places = [(2, 1.0), (1, 0.5)]
        for row, (channel, weight) in enumerate(places[::-1] if flip else places):
            blob = np.argwhere(crop[channel] > 128)
            if len(blob) < 20:
                continue  # not in the crop
            centre = blob.mean(axis=0)[::-1]
            np.testing.assert_allclose(labels.marks[0, row], centre, atol=1.0)
            assert labels.marks_conf[0, row] == weight
            compared += 1
    assert flips == {True, False} and compared > 8


def test_the_loss_is_zero_where_the_marks_are(model):
    loss = model.losses['marks']
    vertices = torch.rand(2, model.body_model.num_vertices, 3) - 0.5
    camera = torch.tensor([[0.9, 0.1, 0.0], [0.7, 0.0, -0.2]])
    marks = perspective_projection(
        vertices[:, [11172, 4570]],
        5000.0,
        torch.tensor([95.5, 127.5]),
        crop_to_translation(camera, 5000.0, 256),
    )
    pred = dict(vertices=vertices, camera=camera)
    target = dict(marks=marks, marks_conf=torch.ones(2, 2), crop_size=(192, 256))
    assert loss(pred, target)['loss_marks'] < 1e-10
    # Two marks of four are 25.6 px off: a tenth of the height, in x alone.
    target['marks'] = marks + torch.tensor([[[25.6, 0]], [[0, 0]]])
    value = loss(pred, target)['loss_marks']
    torch.testing.assert_close(value, torch.tensor(10 * 0.01 / 4), rtol=1e-4, atol=0)
    # Those that are not known may be anything.
    target['marks_conf'] = torch.tensor([[0.0, 0.0], [1.0, 1.0]])
    target['marks'] = torch.where(target['marks_conf'][..., None] > 0, marks, torch.nan)
    assert loss(pred, target)['loss_marks'] < 1e-10


def test_the_marks_are_the_knees_of_the_open_body(model):
    eye = torch.eye(3).expand(1, 24, 3, 3)
    body = model.body_model(eye[:, :1], eye[:, 1:], torch.zeros(1, 10))
    marks, knees = body.vertices[0, [11172, 4570]], body.joints[0, 4:6]
    torch.testing.assert_close(marks[0], marks[1] * torch.tensor([-1.0, 1, 1]))
    offset = marks - knees
    assert (offset[:, :2].abs() < 0.02).all() and (offset[:, 2] > 0.05).all()


def test_it_predicts_bodies_from_pictures(model, batch):
    model.eval()
    with torch.no_grad():
        samples = model(**batch, mode='predict')
        box_info = torch.zeros(2, 3)
        turned = model.head(model.backbone(batch['inputs']), box_info)['body_pose']
    for row, sample in enumerate(samples):
        pose = sample.pred_instances.body_pose
        assert pose.shape == (1, 23, 3, 3)
        # The crop's place makes a difference.
        assert (pose - turned[row]).abs().max() > 1e-6
