"""check_dataset.py: counts, pictures and findings of small annotation files."""

import dataclasses
import io
import json
import pickle
import runpy
import tarfile
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from PIL import Image

import deforhmr_mm
from deforhmr_mm.datasets import HMR2TarDataset, HMRDataset

ROOT = Path(deforhmr_mm.__file__).parents[1]
TOOL = ROOT / 'tools' / 'misc' / 'check_dataset.py'


class Result(NamedTuple):
    code: int | str
    out: str
    reports: list


@pytest.fixture
def columns():
    """Four people in three pictures of 160 x 120 pixels, without joints."""
    rng = np.random.default_rng(0)
    return {
        'imgname': np.array(['a.png', 'b.png', 'b.png', 'sub/c.png']),
        'center': np.full((4, 2), (80.0, 60.0)),
        'scale': np.full(4, 0.5),
        'pose': rng.uniform(-1, 1, (4, 72)),
        'shape': rng.uniform(-2, 2, (4, 10)),
        'has_smpl': np.array([1, 1, 0, 1]),
        'gender': np.array(['m', 'f', 'f', '']),
    }


@pytest.fixture
def check(columns, tmp_path, monkeypatch, capsys):
    """Run the tool on the columns: check('--strict', ...)."""
    (tmp_path / 'img' / 'sub').mkdir(parents=True)
    for name in ('a.png', 'b.png', 'sub/c.png'):
        cv2.imwrite(str(tmp_path / 'img' / name), np.zeros((120, 160, 3), np.uint8))

    def call(*arguments, source=None):
        np.savez(tmp_path / 'people.npz', **columns)
        if source is None:
            source = ['--ann-file', tmp_path / 'people.npz']
            source += ['--img-prefix', tmp_path / 'img']
        out = tmp_path / 'out.json'
        out.unlink(missing_ok=True)
        command = [TOOL, *source, '--json', out, *arguments]
        monkeypatch.setattr('sys.argv', [str(part) for part in command])
        code = 0
        try:
            runpy.run_path(str(TOOL))['main']()
        except SystemExit as stop:
            code = stop.code
        reports = json.loads(out.read_text())['datasets'] if out.exists() else []
        return Result(code, capsys.readouterr().out, reports)

    return call


def findings(result):
    (report,) = result.reports
    return {each['check']: each['rows'] for each in report['findings']}


@pytest.mark.parametrize('images', ['none', 'exists', 'header', 'decode'])
def test_clean_file(check, images):
    result = check('--strict', '--images', images)
    assert result.code == 0
    assert findings(result) == {}
    (report,) = result.reports
    assert report['counts']['people'] == 4 and report['counts']['pictures'] == 3
    assert report['counts']['with_pose'] == 3
    assert report['counts']['genders'] == {'female': 2, 'male': 1, 'neutral': 1}
    assert (report['family'], report['body_type']) == ('spin', 'smpl')
    assert report['ranges']['box_height_px']['median'] == 100
    known = images in ('header', 'decode')
    assert report['ranges']['boxes']['share_in_picture'] == (1 if known else None)
    lines = [line.split() for line in result.out.splitlines()]
    assert ['with', 'pose', '3', '75.0%'] in lines
    assert 'nothing looks wrong' in result.out


def test_findings_name_their_rows(check, columns):
    columns['shape'][1, 3] = 6.5
    columns['pose'][3, 30:33] = (0, 4, 0)
    columns['center'][0] = (-200, 60)
    columns['gender'][:] = 'm'
    result = check()
    assert result.code == 0
    assert findings(result) == {
        'box_outside': [0],
        'large_betas': [1],
        'large_angles': [3],
        'one_gender': [],
    }
    message = '  ! large_betas: |betas| above 5 (up to 6.5, row 1)\n    1 row: 1\n'
    assert message in result.out
    assert check('--strict').code == 1


def test_bad_pictures_are_named(check, tmp_path):
    (tmp_path / 'img' / 'a.png').unlink()
    data = (tmp_path / 'img' / 'b.png').read_bytes()
    (tmp_path / 'img' / 'b.png').write_bytes(data[:-12])
    (tmp_path / 'img' / 'sub' / 'c.png').write_text('no picture')
    names = {name: str(tmp_path / 'img' / name) for name in ('a.png', 'b.png')}
    result = check('--images', 'exists')
    assert findings(result) == {'missing_pictures': [0]}
    assert result.reports[0]['bad_pictures'] == [names['a.png']]
    assert f'1 of 3 pictures missing: {names["a.png"]}' in result.out
    # The head of a cut-off picture is still there.
    assert findings(check('--images', 'header')) == {
        'missing_pictures': [0],
        'unreadable_pictures': [3],
    }
    assert findings(check('--images', 'decode')) == {
        'missing_pictures': [0],
        'unreadable_pictures': [1, 2, 3],
    }
    assert findings(check('--images', 'none')) == {}


def test_sizes_are_those_that_viewers_show(check, tmp_path, columns):
    """A photo that its EXIF entry turns by 90 degrees is 120 wide and 160 high."""
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new('RGB', (160, 120)).save(tmp_path / 'img' / 'a.jpg', exif=turned)
    columns['imgname'][0] = 'a.jpg'
    columns['center'][:] = (60, 200)
    columns['scale'][:] = 0.5
    for images in ('header', 'decode'):
        found = findings(check('--images', images))
        # The box reaches from 150 to 250: 9.5 of 100 pixels are above 159.5.
        assert found == {'box_outside': [1, 2, 3], 'box_mostly_outside': [0]}


@pytest.mark.parametrize('images', ['exists', 'header', 'decode'])
def test_pictures_inside_a_tar(images, tmp_path):
    buffer = cv2.imencode('.png', np.zeros((120, 160, 3), np.uint8))[1]
    person = {
        'keypoints_2d': np.zeros((44, 3)),
        'keypoints_3d': np.zeros((44, 4)),
        'center': np.array([170.0, 60.0]),
        'scale': 0.1,
        'body_pose': np.zeros(72),
        'betas': np.zeros(10),
        'has_body_pose': 1.0,
        'has_betas': 1.0,
        'extra_info': {},
    }
    members = {'7.png': buffer.tobytes(), '7.data.pyd': pickle.dumps([person])}
    with tarfile.open(tmp_path / 'few.tar', 'w') as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    dataset = HMR2TarDataset('few.tar', data_root=str(tmp_path), min_keypoints=None)
    report = runpy.run_path(str(TOOL))['check'](dataset, images)
    assert report['bad_pictures'] == []
    found = [each['check'] for each in report['findings']]
    assert found == ([] if images == 'exists' else ['box_outside'])


def test_boxes_are_those_of_upright_pictures(columns, tmp_path):
    """Stored 160 wide and 120 high, and labelled after a quarter turn."""
    cv2.imwrite(str(tmp_path / 'a.png'), np.zeros((120, 160, 3), np.uint8))
    columns['imgname'] = np.array(['a.png'] * 4)
    columns['center'] = np.array([(60.0, 140.0)] * 4)
    columns['scale'] = np.full(4, 0.1)
    np.savez(tmp_path / 'people.npz', **columns)
    dataset = HMRDataset(
        'people.npz', data_root=str(tmp_path), data_prefix=dict(img='.')
    )
    dataset._labels = dataclasses.replace(
        dataset.labels, image_turns=np.array([1, 3, 0, 2])
    )
    report = runpy.run_path(str(TOOL))['check'](dataset, 'header')
    (finding,) = report['findings']
    assert finding['check'] == 'box_outside' and list(finding['rows']) == [2, 3]


def test_configs_and_data_sets_put_together(check, tmp_path, columns):
    single = (
        f"dict(type='HMRDataset', ann_file='people.npz', data_root={str(tmp_path)!r}, "
        "data_prefix=dict(img='img'), pipeline=[dict(type='NoSuchTransform')])"
    )
    config = tmp_path / 'config.py'
    config.write_text(
        "default_scope = 'deforhmr_mm'\n"
        f'train_dataloader = dict(dataset={single})\n'
        "val_dataloader = dict(dataset=dict(type='ConcatDataset', "
        f"datasets=[{single}, dict(type='RepeatDataset', times=2, dataset={single})]))"
    )
    columns['shape'][0, 0] = 9
    assert findings(check(source=[config])) == {'large_betas': [0]}
    reports = check('--split', 'val', source=[config]).reports
    assert [len(report['findings']) for report in reports] == [1, 1]
    missing = check('--split', 'test', source=[config])
    assert missing.code == f'error: {config}: there is no test_dataloader'


@pytest.mark.parametrize(
    ('source', 'option', 'needed'),
    [
        (['config.py'], ['--img-prefix', 'img'], '--ann-file'),
        (['config.py'], ['--dataset-type', 'HMRDataset'], '--ann-file'),
        (['--ann-file', 'a.npz'], ['--split', 'train'], 'a config'),
        (['--ann-file', 'a.npz'], ['--cfg-options', 'a=1'], 'a config'),
    ],
)
def test_options_without_effect_are_refused(
    source, option, needed, monkeypatch, capsys
):
    monkeypatch.setattr('sys.argv', [str(TOOL), *source, *option])
    with pytest.raises(SystemExit) as stop:
        runpy.run_path(str(TOOL))['main']()
    assert stop.value.code == 2
    message = f'{option[0]} has no effect without {needed}: leave it out'
    assert message in capsys.readouterr().err


def test_errors_are_one_line(check, columns, tmp_path):
    del columns['center']
    result = check()
    assert 'of no known family' in result.code and '\n' not in result.code
    gone = check(source=['--ann-file', tmp_path / 'gone.npz'])
    assert 'gone.npz does not exist' in gone.code and '\n' not in gone.code
    assert check(source=[]).code == 2
