"""Photographs with labelled joints, scored."""

import importlib.util
import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import InstanceData
from scipy.spatial.transform import Rotation

from deforhmr_mm.apis import inference_topdown, init_model
from deforhmr_mm.body_models import SMPL
from deforhmr_mm.datasets import LabelledPerson
from deforhmr_mm.models.heads import facing_rest_pose, save_mean_params
from deforhmr_mm.structures import MeshDataSample, get_keypoint_set

ROOT = Path(__file__).resolve().parents[2]
COCO = get_keypoint_set('coco17')
BOX = [60, 20, 100, 200]


@pytest.fixture(scope='module')
def tool():
    path = ROOT / 'tools' / 'analysis_tools' / 'evaluate_photographs.py'
    spec = importlib.util.spec_from_file_location('evaluate_photographs', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def predicted_joints(model_files, path):
    model = init_model(*model_files)
    (person,) = inference_topdown(model, path, [BOX], 'xywh')
    keypoints = person.pred_instances.keypoints[0].numpy()
    smpl = get_keypoint_set('smpl45')
    return keypoints[[smpl.names.index(name) for name in COCO.names]]


@pytest.fixture
def photographs(tiny_model, tmp_path):
    """A picture labelled with the model's own result, but for some joints."""
    image = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    cv2.imwrite(str(tmp_path / 'a.png'), image)
    points = predicted_joints(tiny_model, tmp_path / 'a.png').astype(float)
    keypoints = np.concatenate([points, np.full((17, 1), 2)], 1)
    # A tenth of the box's height is 20 pixels.
    keypoints[COCO.index('left_wrist')] += [22, 0, 0]
    keypoints[COCO.index('right_wrist')] += [0, 18, 0]
    keypoints[COCO.index('nose')] += [50, 0, -1]  # hidden
    person = dict(category_id=1, image_id=3, keypoints=keypoints.ravel().tolist())
    content = {
        'images': [{'id': 3, 'file_name': 'a.png'}],
        'categories': [{'id': 1, 'name': 'person', 'keypoints': list(COCO.names)}],
        'annotations': [
            dict(person, id=11, bbox=BOX),
            dict(person, id=12, bbox=[60, 20, 100, 149]),
        ],
    }
    (tmp_path / 'people.json').write_text(json.dumps(content))
    return tmp_path


def arguments(model, folder, ann):
    return [
        *map(str, model),
        *('--ann', str(folder / ann), '--out', str(folder / 'out')),
        *('--img-root', str(folder), '--device', 'cpu'),
    ]


def test_figures_of_a_labelled_picture(tool, photographs, tiny_model, capsys):
    save_mean_params(photographs / 'mean.npz', facing_rest_pose())
    out = photographs / 'out'
    code = tool.main(
        [
            *arguments(tiny_model, photographs, 'people.json'),
            *('--mean-body', str(photographs / 'mean.npz')),
        ]
    )
    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert {path.name for path in out.iterdir()} == {
        'photographs.json',
        'a_joints.jpg',
    }
    figures = json.loads((out / 'photographs.json').read_text())
    assert figures['model']['limbs'] == {'pck': 87.5, 'counted': 8}
    assert figures['model']['body'] == {
        'pck': pytest.approx(100 * 11 / 12),
        'counted': 12,
    }
    assert figures['model']['all'] == {'pck': 93.75, 'counted': 16}
    assert figures['model']['joints']['left_wrist'] == {'pck': 0, 'counted': 1}
    assert figures['model']['joints']['nose'] == {'pck': None, 'counted': 0}
    (person,) = figures['people']
    assert (person['picture'], person['annotation_id']) == ('a.png', 11)
    assert person['bbox'] == BOX and person['model']['limbs']['pck'] == 87.5
    mean = figures['mean_body']['limbs']
    assert mean['counted'] == 8
    assert figures['points_above_mean_body']['limbs'] == 87.5 - mean['pck']
    assert figures['threshold'] == 0.1 and figures['min_height'] == 150
    assert figures['checkpoint']['name'] == 'tiny.pth'
    assert '1 people in 1 photographs' in printed.out
    (row,) = (x for x in printed.out.splitlines() if x.startswith('limbs (8) '))
    points = f'{87.5 - mean["pck"]:+.1f}'
    assert row.split()[2:] == ['8', '87.5', f'{mean["pck"]:.1f}', points]
    (row,) = (x for x in printed.out.splitlines() if x.startswith('nose '))
    assert row.split() == ['nose', '0', '-', '-', '-']
    (row,) = (x for x in printed.out.splitlines() if x.startswith('a.png 11 '))
    assert row.split()[2:4] == ['8', '87.5']


def test_options_change_what_is_counted(tool, photographs, tiny_model, capsys):
    path = photographs / 'figures' / 'a.json'
    code = tool.main(
        [
            *map(str, tiny_model),
            *('--ann', str(photographs / 'people.json')),
            *('--img-root', str(photographs), '--device', 'cpu'),
            *('--thr', '0.08', '--json', str(path)),
        ]
    )
    assert code == 0, capsys.readouterr().err
    figures = json.loads(path.read_text())
    assert figures['model']['limbs'] == {'pck': 75, 'counted': 8}
    assert 'mean_body' not in figures and 'points_above_mean_body' not in figures
    assert [p.name for p in path.parent.iterdir()] == ['a.json']


def test_pictures_of_one_name_in_two_folders(tool, photographs, tiny_model, capsys):
    content = json.loads((photographs / 'people.json').read_text())
    names = ('left/a.png', 'right/a.png')
    content['images'] = [{'id': n, 'file_name': name} for n, name in enumerate(names)]
    person = content['annotations'][0]
    content['annotations'] = [dict(person, id=n, image_id=n) for n in range(2)]
    (photographs / 'two.json').write_text(json.dumps(content))
    for name in names:
        (photographs / name).parent.mkdir()
        shutil.copy(photographs / 'a.png', photographs / name)
    out = photographs / 'out'
    code = tool.main(arguments(tiny_model, photographs, 'two.json'))
    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert {path.name for path in out.iterdir()} == {
        'photographs.json',
        'left_a.png_joints.jpg',
        'right_a.png_joints.jpg',
    }
    figures = json.loads((out / 'photographs.json').read_text())
    assert [person['picture'] for person in figures['people']] == list(names)
    for number, name in enumerate(names):
        assert f'{name} {number} ' in printed.out


def test_each_drawing_has_a_name_of_its_own(tool):
    assert tool.drawing_names(['x/a.jpg', 'x/b.jpg']) == {
        'x/a.jpg': 'a_joints.jpg',
        'x/b.jpg': 'b_joints.jpg',
    }
    assert list(tool.drawing_names(['a.jpg', 'a.png', 'x/b.jpg']).values()) == [
        'a.jpg_joints.jpg',
        'a.png_joints.jpg',
        'b_joints.jpg',
    ]
    names = tool.drawing_names(['x/a.jpg', 'a.jpg', 'x_a.jpg.jpg', 'x_a.jpg'])
    assert len(set(names.values())) == 4


def test_the_mean_body_fills_the_box(tool):
    # From very far away a body is as large as its own box, metres to pixels.
    body = SMPL()
    means = facing_rest_pose()
    sample = MeshDataSample()
    sample.pred_instances = InstanceData(
        focal_length=torch.tensor([1e6]), principal_point=torch.tensor([[160.0, 120]])
    )
    person = LabelledPerson(1, np.array(BOX, float), np.zeros((17, 2)), np.ones(17))
    joints = tool.mean_joints(body, means, person, sample)
    with torch.no_grad():
        rest = body(torch.eye(3).expand(1, 1, 3, 3), torch.eye(3).expand(1, 23, 3, 3),
                    torch.zeros(1, 10))  # fmt: skip
    vertices, points = rest.vertices[0].numpy(), rest.joints[0].numpy()
    low, high = vertices.min(0), vertices.max(0)
    scale = 200 / (high - low)[1]
    for name in ('nose', 'left_wrist', 'right_ankle'):
        x, y, _ = points[get_keypoint_set('smpl45').index(name)] - (low + high) / 2
        expected = [110 + scale * x, 120 - scale * y]
        np.testing.assert_allclose(joints[COCO.index(name)], expected, atol=0.1)
    # It faces the camera: its left is the picture's right.
    assert (
        joints[COCO.index('left_wrist'), 0] > 110 > joints[COCO.index('right_hip'), 0]
    )


def test_means_of_the_training_labels(tool, tmp_path):
    rng = np.random.default_rng(0)
    pose, shape = rng.normal(0, 0.4, (6, 72)), rng.normal(0, 1, (6, 10))
    np.savez(
        tmp_path / 'train.npz',
        imgname=np.array([f'missing/{index}.jpg' for index in range(6)]),
        center=np.full((6, 2), 100.0),
        scale=np.ones(6),
        pose=pose,
        shape=shape,
        has_smpl=np.ones(6),
    )
    data = dict(type='HMRDataset', ann_file=str(tmp_path / 'train.npz'), pipeline=[])
    means = tool.load_mean(Config(dict(train_dataloader=dict(dataset=data))), '')
    elbow = get_keypoint_set('smpl24').index('left_elbow')
    rotation = Rotation.from_rotvec(pose.reshape(6, 24, 3)[:, elbow]).mean().as_matrix()
    np.testing.assert_allclose(means.rot6d[elbow], rotation.T.ravel()[:6], atol=1e-5)
    np.testing.assert_allclose(means.betas, shape.mean(0), atol=1e-5)
    assert means.rot6d[0].tolist() == [1, 0, 0, 0, -1, 0]
    with pytest.raises(ValueError, match='no train_dataloader: give a FILE'):
        tool.load_mean(Config(), '')


def test_mistakes(tool, photographs, tiny_model, tmp_path, capsys):
    base = [*map(str, tiny_model), '--device', 'cpu', '--img-root', str(photographs)]
    people = ['--ann', str(photographs / 'people.json')]
    for arguments, part in (
        (['--ann', str(tmp_path / 'none.json')], 'none.json does not exist'),
        ([*people, '--min-height', '300'], 'at least 300 pixels in height'),
        ([*people, '--mean-body', 'none.npz'], "'none.npz' does not exist"),
        ([*people, '--mean-body'], 'no train_dataloader'),
        ([*people, '--img-root', str(tmp_path / 'elsewhere')], 'a.png'),
    ):
        assert tool.main([*base, *arguments]) == 1
        printed = capsys.readouterr().err
        assert part in printed and 'Traceback' not in printed
    with pytest.raises(SystemExit) as stop:
        tool.main([*base, *people, '--thr', '0'])
    assert stop.value.code == 2 and '--thr must be positive' in capsys.readouterr().err
