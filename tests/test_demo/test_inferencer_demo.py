"""The demo's command line: what it writes, and what it says of bad input."""

import importlib.util
import inspect
import json
import os
import pickle
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from deforhmr_mm.apis import MeshInferencer
from deforhmr_mm.apis.inference import bbox_to_crop
from deforhmr_mm.apis.run_options import RunOptions
from deforhmr_mm.body_models import SMPL
from deforhmr_mm.datasets import HMRDataset
from deforhmr_mm.structures import get_keypoint_set

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / 'demo' / 'inferencer_demo.py'
JOINTS = get_keypoint_set('smpl24')
BOX = ['--bbox', '20', '10', '40', '80']


@pytest.fixture(scope='module')
def demo():
    spec = importlib.util.spec_from_file_location('inferencer_demo', SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def picture(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    image = cv2.resize(noise, (120, 100), interpolation=cv2.INTER_CUBIC)
    path = tmp_path / 'pictures' / 'photo.jpg'
    path.parent.mkdir()
    cv2.imwrite(str(path), image)
    return path


@pytest.fixture
def run(demo, tiny_model, tmp_path, capfd):
    """Run main() in this process; gives exit code, error lines and files written."""

    def call(*arguments, model=None, weights=None):
        code = demo.main(
            [
                *map(str, arguments),
                '--model',
                str(model or tiny_model.config),
                '--weights',
                str(weights or tiny_model.weights),
                '--device',
                'cpu',
                '--out-dir',
                str(tmp_path / 'out'),
            ]
        )
        out, err = capfd.readouterr()
        out_dir = tmp_path / 'out'
        files = sorted(os.listdir(out_dir)) if out_dir.exists() else []
        return code, out, err.splitlines(), files

    return call


def outputs(stem):
    return sorted([f'{stem}{end}' for end in ('.glb', '.json', '.npz', '_overlay.png')])


def test_one_picture_two_people(run, picture):
    code, out, errors, files = run(picture, *BOX, '--bbox', 60, 5, 50, 90)
    assert (code, errors, files) == (0, [], outputs('photo'))
    assert re.search(r'photo\.jpg +0 +20 10 40 80 ', out)
    assert re.search(r'photo\.jpg +1 +60 5 50 90 ', out)
    for name in files:
        assert re.search(rf'/{name}$', out, re.M)


def test_box_formats_and_focal_length(run, picture, tmp_path):
    run(picture, *BOX, '--focal-length', 300)
    first = json.loads((tmp_path / 'out' / 'photo.json').read_text())['people']
    arguments = ['--bbox', 20, 10, 60, 90, '--bbox-format', 'xyxy']
    run(picture, *arguments, '--focal-length', 300)
    second = json.loads((tmp_path / 'out' / 'photo.json').read_text())['people']
    assert first == second and first[0]['focal_length'] == 300


def test_the_unit_of_bvh_files_is_given_on(run, picture):
    code, out, errors, files = run(picture, *BOX, '--bvh-scale', 100)
    assert (code, files) == (1, [])
    assert 'bvh_scale=100.0 has no effect without bvh' in errors[0]


def test_folder_with_a_box_file(run, picture, tmp_path):
    (picture.parent / 'nobody.jpg').write_bytes(picture.read_bytes())
    coco = dict(
        images=[dict(id=1, file_name='photo.jpg'), dict(id=2, file_name='nobody.jpg')],
        annotations=[dict(image_id=1, bbox=[20, 10, 40, 80])],
    )
    (tmp_path / 'coco.json').write_text(json.dumps(coco))
    code, out, errors, files = run(
        picture.parent, '--bbox-file', tmp_path / 'coco.json'
    )
    assert (code, errors) == (0, [])
    assert set(outputs('photo')) < set(files) and 'nobody.json' in files


@pytest.mark.parametrize(
    ('content', 'message'),
    [
        (None, 'does not exist'),
        (b'', 'is empty'),
        (b'this is text', 'cannot be decoded'),
        ('half', 'is cut off'),
    ],
)
def test_bad_pictures(run, picture, content, message):
    path = picture.with_name('bad.jpg')
    if content == 'half':
        content = picture.read_bytes()[:-200]
    if content is not None:
        path.write_bytes(content)
    code, _, errors, files = run(path)
    assert code == 1 and files == []
    assert len(errors) == 1 and 'bad.jpg' in errors[0] and message in errors[0]
    assert errors[0].startswith('error: ')


def test_the_other_pictures_of_a_folder_still_come_out(run, picture):
    picture.with_name('a_empty.jpg').write_bytes(b'')
    picture.with_name('z_cut.jpg').write_bytes(picture.read_bytes()[:-200])
    code, out, errors, files = run(picture.parent)
    assert code == 1 and files == outputs('photo')
    assert len(errors) == 2
    assert 'a_empty.jpg' in errors[0] and 'z_cut.jpg' in errors[1]


@pytest.mark.parametrize(
    ('box', 'message'),
    [
        (('20', '10', '0', '80'), 'must be positive'),
        (('20', '10', '40', '-80'), 'must be positive'),
        (('nan', '10', '40', '80'), 'must be finite'),
        (('20', 'inf', '40', '80'), 'must be finite'),
        (('120', '10', '40', '80'), 'outside the image of 120 x 100 px'),
        (('-60', '10', '40', '80'), 'outside the image of 120 x 100 px'),
    ],
)
def test_bad_boxes(run, picture, box, message):
    code, _, errors, files = run(picture, *BOX, '--bbox', *box)
    assert code == 1 and files == []
    assert len(errors) == 1 and message in errors[0]
    assert 'photo.jpg' in errors[0] and 'bboxes[1]' in errors[0]


def test_bad_box_files(run, picture, tmp_path):
    code, _, errors, files = run(picture, '--bbox-file', tmp_path / 'none.json')
    assert code == 1 and len(errors) == 1 and 'none.json' in errors[0] and not files
    coco = dict(images=[dict(id=1, file_name='other.jpg')], annotations=[])
    (tmp_path / 'coco.json').write_text(json.dumps(coco))
    code, _, errors, files = run(picture, '--bbox-file', tmp_path / 'coco.json')
    assert code == 1 and len(errors) == 1 and not files
    assert 'no boxes for' in errors[0] and 'photo.jpg' in errors[0]


def test_boxes_without_a_picture(run):
    code, _, errors, _ = run(*BOX)
    assert code == 1 and len(errors) == 1 and '--bbox' in errors[0]


def test_misspelt_type(run, picture, tiny_model, tmp_path):
    config = tmp_path / 'misspelt.py'
    text = tiny_model.config.read_text()
    config.write_text(text.replace("'DeforHMRHead'", "'DeforHMRHed'"))
    code, _, errors, files = run(picture, model=config)
    assert code == 1 and len(errors) == 1 and files == []
    assert 'misspelt.py' in errors[0]
    assert "'DeforHMRHed'" in errors[0] and "'DeforHMRHead'" in errors[0]


def test_checkpoint_of_another_model(run, picture, tmp_path):
    torch.save({'state_dict': {'fc.weight': torch.zeros(2)}}, tmp_path / 'other.pth')
    code, _, errors, files = run(picture, weights=tmp_path / 'other.pth')
    assert code == 1 and len(errors) == 1 and files == []
    assert 'other.pth is of another model' in errors[0] and 'fc.weight' in errors[0]


def test_a_body_file_that_tries_to_run_code(run, picture, tmp_path, running_pickle):
    evil = tmp_path / 'evil.pkl'
    evil.write_bytes(pickle.dumps({'v_template': running_pickle}))
    option = f'model.body_model.model_path={evil}'
    code, _, errors, files = run(picture, '--cfg-options', option)
    assert code == 1 and len(errors) == 1 and files == []
    assert 'evil.pkl' in errors[0] and 'mkdir' in errors[0]


@pytest.fixture(scope='module')
def samples(demo):
    return demo.load_samples(demo.SAMPLES / 'annotations.npz')


def test_samples_are_small_and_labelled(demo, samples):
    files = {path.name: path.stat().st_size for path in demo.SAMPLES.iterdir()}
    assert sum(files.values()) < 600_000
    assert set(files) == {*samples.bboxes, 'annotations.npz'}
    assert sum(len(boxes) for boxes in samples.bboxes.values()) >= 6


def test_sample_boxes_give_the_crops_of_a_test(demo, samples):
    dataset = HMRDataset(
        ann_file=str(demo.SAMPLES / 'annotations.npz'),
        data_prefix=dict(img=str(demo.SAMPLES)),
        pipeline=[],
        fit_wide=True,
        test_mode=True,
    )
    boxes = np.concatenate(list(samples.bboxes.values()))
    assert len(dataset) == len(boxes)
    for i, box in enumerate(boxes):
        center, scale = bbox_to_crop(box)
        np.testing.assert_allclose(center, dataset[i]['bbox_center'], rtol=1e-5)
        np.testing.assert_allclose(scale, dataset[i]['bbox_scale'], rtol=1e-5)


def test_sample_truth_is_that_of_the_annotations(demo, samples):
    joints = demo.pose_samples(samples, SMPL())
    with np.load(demo.SAMPLES / 'annotations.npz') as data:
        names, labels = data['imgname'], data['S']
    shared = JOINTS.map_to(get_keypoint_set('spin24'))
    assert len(shared.source) >= 12 and set(joints) == set(samples.bboxes)
    for name, posed in joints.items():
        relative = posed - posed[:, :1]
        np.testing.assert_allclose(
            relative[:, shared.source],
            labels[names == name][:, shared.target, :3],
            atol=1e-3,
        )
        person = {'joints_3d': dict(zip(JOINTS.names, posed[0] + 3, strict=True))}
        assert demo.joint_error(person, posed[0]) == pytest.approx(0, abs=1e-3)


def test_truth_of_another_body_is_left_out(demo, samples):
    other = samples._replace(body_fingerprint='0' * 16)
    assert demo.pose_samples(other, SMPL()) == {}


def test_sample_pictures(run, demo, samples):
    code, out, errors, files = run()
    assert (code, errors) == (0, [])
    stems = [Path(name).stem for name in samples.bboxes]
    pages = [f'{stem}.html' for stem in stems]
    assert files == sorted(sum(map(outputs, stems), pages))
    people = sum(len(boxes) for boxes in samples.bboxes.values())
    rows = re.findall(r'^\d+\.jpg +\d+ +.*? (\d+\.\d) +\d+\.\d\d$', out, re.M)
    mean = re.search(rf'mean MPJPE of {people} people: (\d+\.\d) mm', out)
    assert len(rows) == people
    assert float(mean[1]) == pytest.approx(np.mean([float(r) for r in rows]), abs=0.1)


def as_users_do(*arguments, cwd):
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, 'PYTHONPATH': str(ROOT), 'DISPLAY': ''},
        capture_output=True,
        text=True,
        timeout=300,
    )


class Recorder:
    """Stands for `MeshInferencer`, and keeps what it is given."""

    calls: list = []

    def __init__(self, *arguments, **options):
        self.calls.append((arguments, options))
        self.model = SimpleNamespace(body_model=None)

    def __call__(self, *arguments, **options):
        self.calls.append((arguments, options))
        return []


def test_every_flag_reaches_the_inferencer(demo, monkeypatch):
    monkeypatch.setattr(demo, 'MeshInferencer', Recorder)
    monkeypatch.setattr(Recorder, 'calls', [])
    line = (
        'a.jpg b.mp4 --bbox 1 2 3 4 --bbox-format xyxy --bbox-thr 0.6 '
        '--det-model d.py --det-weights d.pth --no-tracking --no-smooth '
        '--model m.py --weights m.pth --device cuda:1 --batch-size 3 '
        '--focal-length 300 --principal-point 5 6 --cfg-options x.y=7 '
        '--out-dir o --vis-out-dir v --pred-out-dir p --formats bvh html '
        '--bvh-scale 100 --draw-joints --draw-bbox --show --wait-time 0.5'
    )
    assert demo.main(line.split()) == 0
    (built, settings), (inputs, options) = Recorder.calls
    assert built == ('m.py', 'm.pth', 'cuda:1')
    assert settings == dict(
        det_model='d.py',
        det_weights='d.pth',
        cfg_options={'x.y': 7},
        show_progress=True,
    )
    assert inputs == (['a.jpg', 'b.mp4'],)
    assert options == dict(
        batch_size=3,
        bboxes=[[1.0, 2.0, 3.0, 4.0]],
        bbox_format='xyxy',
        bbox_thr=0.6,
        focal_length=300.0,
        principal_point=[5.0, 6.0],
        tracking=False,
        smooth=False,
        draw_joints=True,
        draw_bbox=True,
        show=True,
        wait_time=0.5,
        out_dir='o',
        vis_out_dir='v',
        pred_out_dir='p',
        formats=['bvh', 'html'],
        bvh_scale=100.0,
        on_error='continue',
    )


def test_without_flags_the_inferencer_s_own_choices_hold(demo, monkeypatch):
    monkeypatch.setattr(demo, 'MeshInferencer', Recorder)
    monkeypatch.setattr(Recorder, 'calls', [])
    assert demo.main(['a.jpg']) == 0
    (built, settings), (inputs, options) = Recorder.calls
    assert built == ('openbody-tiny', None, None) and inputs == ('a.jpg',)
    assert settings.pop('show_progress') and set(settings.values()) == {None}
    given = inspect.signature(MeshInferencer._sources).parameters
    for name in ('bbox_thr', 'focal_length', 'principal_point'):
        assert options[name] == given[name].default
    for name in ('tracking', 'smooth', 'draw_joints', 'draw_bbox', 'show', 'wait_time'):
        assert options[name] == getattr(RunOptions, name)
    assert (options['bboxes'], options['formats']) == (None, None)
    assert (options['bvh_scale'], options['batch_size']) == (1, RunOptions.batch_size)


def test_exit_codes_as_users_see_them(picture, tiny_model, tmp_path):
    model = ['--model', tiny_model.config, '--weights', tiny_model.weights]
    good = as_users_do(picture, *BOX, *model, cwd=tmp_path)
    assert good.returncode == 0, good.stderr
    assert sorted(os.listdir(tmp_path / 'outputs' / 'demo')) == outputs('photo')
    bad = as_users_do('none.jpg', *model, '--out-dir', 'bad', cwd=tmp_path)
    assert bad.returncode == 1 and not (tmp_path / 'bad').exists()
    assert 'none.jpg does not exist' in bad.stderr and 'Traceback' not in bad.stderr
