"""The best, the median and the worst people of a test, drawn."""

import runpy
import types
from collections import OrderedDict

import cv2
import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger
from mmengine.structures import InstanceData

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.datasets import HMRDataset, LoadImage
from deforhmr_mm.structures import MeshDataSample
from deforhmr_mm.visualization import MeshVisualizer
from deforhmr_mm.visualization.contact_sheet import GAP, LINE
from tests.tiny_training import ROOT

TOOL = runpy.run_path(str(ROOT / 'tools' / 'analysis_tools' / 'analyze_results.py'))
SAMPLES = ROOT / 'demo' / 'samples'
CONFIG = ROOT / 'configs' / 'deforhmr' / 'deforhmr_vit-tiny_openbody-v1-256x192.py'
CHECKPOINT = ROOT / 'demo' / 'checkpoints' / f'{CONFIG.stem}.pth'
DATA = (
    f'test_dataloader.dataset.data_root={SAMPLES}',
    'test_dataloader.dataset.ann_file=annotations.npz',
)
# Of seven people, who is which: 4 best, 1 median, 2 worst by PA-MPJPE.
PA_MPJPE = [60.0, 50.0, 90.0, 40.0, 10.0, 80.0, 30.0]
MPJPE = [7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]


@pytest.fixture
def scores(tmp_path):
    path = tmp_path / 'scores.npz'
    np.savez(
        path,
        keys=np.array(['MPJPE', 'PA-MPJPE']),
        figures=np.array([MPJPE, PA_MPJPE]).T,
        sample_id=np.array([f'open_body_v1/{row}' for row in range(7)]),
    )
    return path


@pytest.mark.parametrize(
    ('metric', 'topk', 'rows'),
    [('PA-MPJPE', 1, [4, 1, 2]), ('PA-MPJPE', 2, [4, 6, 3, 1, 5, 2]),
     ('MPJPE', 1, [6, 3, 0])],
)  # fmt: skip
def test_who_is_chosen(scores, metric, topk, rows):
    cases = TOOL['choose_cases'](scores, metric, topk)
    assert [case.sample_id for case in cases] == [f'open_body_v1/{r}' for r in rows]
    assert [case.kind for case in cases] == [
        kind for kind in ('best', 'median', 'worst') for _ in range(topk)
    ]
    for case, row in zip(cases, rows, strict=True):
        assert case.figures == {'PA-MPJPE': PA_MPJPE[row], 'MPJPE': MPJPE[row]}
        assert next(iter(case.figures)) == metric


@pytest.mark.parametrize('metric', ['PCK@150', 'AUC'])
def test_who_has_most_joints_near_is_best(scores, metric):
    with np.load(scores) as file:
        content = dict(file)
    content['keys'] = np.array(['MPJPE', metric])
    np.savez(scores, **content)
    # The people in the order of PA-MPJPE's numbers, from the highest to the lowest.
    cases = TOOL['choose_cases'](scores, metric, 1)
    assert [case.kind for case in cases] == ['best', 'median', 'worst']
    assert [case.sample_id[-1] for case in cases] == ['2', '1', '4']
    assert [case.figures[metric] for case in cases] == [90, 50, 10]


def test_people_without_a_true_body_are_left_out(scores):
    with np.load(scores) as file:
        content = dict(file)
    # The first two, and the best.
    truth = np.array(['joints' if row in (0, 1, 4) else 'smpl' for row in range(7)])
    np.savez(scores, **content, truth=truth)
    cases = TOOL['choose_cases'](scores, 'PA-MPJPE', 1)
    assert [case.sample_id[-1] for case in cases] == ['6', '3', '2']
    with pytest.raises(ValueError, match='6 people with SMPL labels, got 4'):
        TOOL['choose_cases'](scores, 'PA-MPJPE', 2)


def test_the_sheet(scores, tmp_path, monkeypatch):
    monkeypatch.setattr(MMLogger, '_instance_dict', OrderedDict())
    out, height = tmp_path / 'cases.png', 160
    arguments = [CONFIG, CHECKPOINT, '--scores', scores, '--topk', 1, '--out', out]
    arguments += ['--height', height, '--cfg-options', *DATA]
    assert TOOL['main']([str(argument) for argument in arguments]) == 0

    # Two people in the first row, each a crop, an overlay and two views; one below.
    sheet, width = cv2.imread(str(out)), round(0.75 * height)
    block = 2 * (width + height) + 3 * GAP
    row = LINE + height + GAP
    assert sheet.shape == (LINE + GAP + 2 * row, 2 * block + 3 * GAP, 3)
    people = np.load(SAMPLES / 'annotations.npz')
    crops = HMRDataset(str(SAMPLES / 'annotations.npz'), fit_wide=True)
    corners = [(0, 0), (0, block + 3 * GAP), (row, 0)]
    for person, (top, left) in zip((4, 1, 2), corners, strict=True):
        panels, x = [], left
        for wide in (width, width, height, height):
            y = LINE + GAP + top + LINE
            panels.append(sheet[y : y + height, x : x + wide].astype(int))
            x += wide + GAP
        picture = cv2.imread(str(SAMPLES / str(people['imgname'][person])))
        # The middle of the picture is the centre of the person's box.
        zoom = height / crops.get_data_info(person)['bbox_scale'][1]
        crop = cv2.getRectSubPix(
            cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA),
            (width // 2, height // 2),
            (zoom * people['center'][person]).astype(np.float32).tolist(),
        )
        y, x = (height - height // 2) // 2, (width - width // 2) // 2
        middle = panels[0][y : y + height // 2, x : x + width // 2]
        assert np.abs(middle - crop).mean() < 12
        # The mesh covers some of it, and both bodies are in both views.
        assert 0.03 < (np.abs(panels[1] - panels[0]).max(-1) > 30).mean() < 0.7
        for view in panels[2:]:
            blue, _, red = np.moveaxis(view, -1, 0)
            assert (blue - red > 30).mean() > 0.01, 'no recovered body'
            assert (red - blue > 30).mean() > 0.01, 'no true body'


def test_a_picture_in_an_archive_that_is_stored_turned(tmp_path):
    upright = np.random.default_rng(0).integers(0, 256, (160, 120, 3), dtype=np.uint8)
    data = cv2.imencode('.png', np.rot90(upright))[1].tobytes()
    archive = tmp_path / 'few.tar'
    archive.write_bytes(b'before' + data)
    read = dict(
        img_path=f'{archive}:7.png',
        img_archive=(str(archive), len(b'before'), len(data)),
        image_turns=1,
    )
    # The middle of the upright picture, pixel by pixel.
    box = dict(input_center=np.array([59.5, 79.5]), input_scale=np.array([60.0, 80.0]))
    meta = {**LoadImage()(read), **box}
    sample = MeshDataSample(metainfo={key: meta[key] for key in meta if key != 'img'})
    body = SMPL()
    eye = torch.eye(3).expand(1, 24, 3, 3)
    pose = dict(
        global_orient=eye[:, :1], body_pose=eye[:, 1:], betas=torch.zeros(1, 10)
    )
    output = body(*pose.values())
    sample.gt_instances = InstanceData(**pose)
    sample.pred_instances = InstanceData(
        vertices=output.vertices,
        joints=output.joints,
        transl=torch.tensor([[0.0, 0.0, 4.0]]),
        focal_length=torch.tensor([200.0]),
        principal_point=torch.tensor([[59.5, 79.5]]),
    )

    class Taller(torch.nn.Module):
        """Half as tall again."""

        def forward(self, *pose):
            posed = body(*pose)
            return posed._replace(vertices=1.5 * posed.vertices)

    model = types.SimpleNamespace(body_model=body)
    visualizer = MeshVisualizer(faces=body.faces)
    bodies = dict(neutral=body, female=Taller())
    panels = TOOL['draw_case'](model, bodies, visualizer, sample, 80)
    np.testing.assert_array_equal(panels[0], upright[40:120, 30:90, ::-1])
    # The true body is that of the person's gender.
    sample.set_metainfo(dict(gender='female'))
    others = TOOL['draw_case'](model, bodies, visualizer, sample, 80)
    np.testing.assert_array_equal(others[1], panels[1])
    assert (others[2] != panels[2]).any()


def test_bodies_are_those_of_the_metric():
    body = SMPL()
    metric = dict(
        type='MeshMetric',
        protocol='rich',
        body_model=body,
        gendered_body_models=dict(male=SMPL(), female=SMPL()),
    )
    find = TOOL['truth_bodies']
    bodies = find(types.SimpleNamespace(test_evaluator=[metric]), body)
    assert set(bodies) == {'neutral', 'male', 'female'}
    other = dict(type='DumpResults')
    assert find(types.SimpleNamespace(test_evaluator=other), body) == {'neutral': body}


def test_errors_tell_what_to_do(scores, capsys, monkeypatch):
    choose = TOOL['choose_cases']
    with pytest.raises(ValueError, match='expected the metric PVE, got MPJPE'):
        choose(scores, 'PVE', 1)
    with pytest.raises(ValueError, match='9 people with SMPL labels, got 7; choose a'):
        choose(scores, 'MPJPE', 3)

    class Dataset(list):
        get_data_info = list.__getitem__

    dataset = Dataset([dict(sample_id='open_body_v1/0')])
    with pytest.raises(ValueError, match='open_body_v1/3 of --scores is not in'):
        TOOL['rows_of'](dataset, ['open_body_v1/0', 'open_body_v1/3'])
