"""Several models' results beside each other."""

import runpy
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
import pytest
from mmengine.logging import MMLogger

from deforhmr_mm.apis import inference_topdown, init_model, resolve_model
from deforhmr_mm.visualization import MeshVisualizer
from deforhmr_mm.visualization.figure_grid import GAP
from deforhmr_mm.visualization.side_view import BACKGROUND

ROOT = Path(__file__).resolve().parents[2]
TOOL = runpy.run_path(str(ROOT / 'tools' / 'analysis_tools' / 'compare_models.py'))
SAMPLES = ROOT / 'demo' / 'samples'
PICTURE = str(SAMPLES / '000034.jpg')
BOX = (180, 141, 212, 283)
CONFIG = str(ROOT / 'configs' / 'deforhmr' / 'deforhmr_vit-tiny_openbody-v1-256x192.py')
WEIGHTS = str(
    ROOT / 'demo' / 'checkpoints' / 'deforhmr_vit-tiny_openbody-v1-256x192.pth'
)
# Another model: nothing is sampled away from the cells.
REGULAR = """
_base_ = {base!r}
model = dict(head=dict(cross_attention=dict(deformable=False)))
"""


@pytest.fixture
def compare(tmp_path, capsys, monkeypatch):
    """Call of the tool: compare(arguments...) -> code, picture or None, outputs."""

    def call(*arguments):
        out = tmp_path / 'figure.png'
        # mmengine keeps loggers for the whole process, and they closed streams.
        monkeypatch.setattr(MMLogger, '_instance_dict', OrderedDict())
        code = TOOL['main']([*map(str, arguments), '--out', str(out)])
        image = cv2.imread(str(out))[..., ::-1] if out.is_file() else None
        return code, image, capsys.readouterr()

    return call


def test_models_stand_in_the_order_given(compare, tmp_path):
    (tmp_path / 'regular.py').write_text(REGULAR.format(base=CONFIG))
    code, figure, printed = compare(
        PICTURE,
        *('--bbox', *BOX, '--height', 689, '--views', 'overlay'),
        *('--models', tmp_path / 'regular.py', 'openbody-tiny'),
    )
    assert code == 0, printed.err
    model = init_model(*resolve_model('openbody-tiny'))
    image = np.ascontiguousarray(cv2.imread(PICTURE)[..., ::-1])
    people = inference_topdown(model, PICTURE, [BOX], 'xywh')
    overlay = MeshVisualizer(faces=model.body_model.faces).draw_people(image, people)
    assert figure.shape == (30 + 689 + GAP, 3 * 459 + 4 * GAP, 3)
    panels = [
        figure[30:-GAP, left : left + 459]
        for left in (GAP + number * (459 + GAP) for number in range(3))
    ]
    np.testing.assert_array_equal(panels[0], image)
    np.testing.assert_array_equal(panels[2], overlay)
    assert (panels[1] != overlay).any(-1).mean() > 0.01


def test_options_for_one_model_and_for_all(compare):
    options = ('--models', CONFIG, CONFIG, '--weights', WEIGHTS, WEIGHTS)
    flip = 'model.test_cfg.flip_test=True'
    args = TOOL['parse_args'](
        [
            *(PICTURE, *options),
            *('--cfg-options', 'model.backbone.init_cfg=None', 'work_dir=a'),
            *('--cfg-options', '2', flip, 'work_dir=b'),
        ]
    )
    first, second = TOOL['build_inferencers'](args)
    for inferencer, flips, work_dir in ((first, False, 'a'), (second, True, 'b')):
        config = inferencer.cfg
        test_cfg = config.model.get('test_cfg') or {}
        assert test_cfg.get('flip_test', False) is flips
        assert config.model.backbone.init_cfg is None and config.work_dir == work_dir
    args = (*(PICTURE, '--bbox', *BOX, '--height', 200, '--views', 'mesh'), *options)
    code, figure, printed = compare(*args, '--cfg-options', 2, flip)
    assert code == 0, printed.err
    width = (figure.shape[1] - 4 * GAP) // 3
    panels = [
        figure[30:-GAP, left : left + width]
        for left in (GAP + number * (width + GAP) for number in (1, 2))
    ]
    assert (panels[0] != panels[1]).any()


def test_one_scale_for_all_models_in_views_from_the_side():
    # A model without a checkpoint predicts the mean body, standing at full length.
    models = [init_model(CONFIG), init_model(CONFIG, WEIGHTS)]
    path = str(SAMPLES / '000002.jpg')
    people = [
        inference_topdown(model, path, [(40, 140, 200, 115)], 'xywh')
        for model in models
    ]
    visualizer = MeshVisualizer(renderer=dict(occlusion=False))
    faces = [model.body_model.faces for model in models]
    panels = TOOL['make_row'](path, faces, people, visualizer, ['side'], 300)
    image, standing, other = panels
    np.testing.assert_array_equal(image, cv2.imread(path)[..., ::-1])
    assert standing.shape == other.shape and standing.shape[0] == 300
    lengths = []
    for (person,), panel in zip(people, (standing, other), strict=True):
        metres = np.ptp(person.pred_instances.vertices[0, :, 1].numpy())
        # In the middle of what the strip of the scale bar leaves, 274 rows.
        rows = np.flatnonzero((panel != BACKGROUND).any(-1).any(-1))
        lengths.append(((136.5 - rows[0]) * 2 / metres, metres))
    assert abs(lengths[0][1] - lengths[1][1]) > 0.1
    assert lengths[0][0] == pytest.approx(lengths[1][0], rel=0.02)


def test_pictures_of_a_data_set_with_all_their_people(compare):
    pictures = TOOL['pictures_of_data']('annotations.npz', str(SAMPLES), 3)
    assert [Path(picture.image).name for picture in pictures] == [
        '000002.jpg',
        '000021.jpg',
        '000034.jpg',
    ]
    options = pictures[0].options
    assert options['bboxes'].shape == (2, 4) and options['bbox_format'] == 'xyxy'
    with np.load(SAMPLES / 'annotations.npz') as data:
        center, scale = data['center'][0], data['scale'][0]
        focal_length = data['focal_l'][0]
    low, high = options['bboxes'][0, :2], options['bboxes'][0, 2:]
    np.testing.assert_allclose((low + high) / 2, center, rtol=1e-5)
    # The box that inference enlarges to the annotation's by its margin of 1.2.
    assert 1.2 * (high - low)[1] == pytest.approx(200 * scale, rel=1e-5)
    assert options['focal_length'] == pytest.approx(focal_length)


def test_a_picture_that_is_stored_turned_is_shown_upright(tmp_path):
    upright = np.random.default_rng(0).integers(0, 256, (160, 120, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / 'closeup.png'), np.rot90(upright))
    np.savez(
        tmp_path / 'bedlam.npz',
        imgname=np.array(['closeup.png']),
        center=np.array([[70.0, 50.0]]),
        scale=np.array([0.4]),
        pose_cam=np.zeros((1, 165)),
        gtkps=np.full((1, 127, 2), 42.0),
    )
    (picture,) = TOOL['pictures_of_data']('bedlam.npz', str(tmp_path), 1)
    np.testing.assert_array_equal(picture.image, upright)
    (panel,) = TOOL['make_row'](picture.image, [], [], None, [], 100)
    np.testing.assert_array_equal(panel, upright[..., ::-1])


def test_the_whole_path_can_be_given_for_the_annotations(compare):
    code, figure, printed = compare(
        *('--ann-file', SAMPLES / 'annotations.npz', '--data-root', SAMPLES),
        *('--num', 1, '--height', 100, '--views', 'mesh', 'top'),
    )
    assert code == 0, printed.err
    assert figure.shape[0] == 30 + 100 + GAP


def test_the_example_names_a_file_in_the_data_set_s_folder(tmp_path):
    example = ' '.join(TOOL['__doc__'].split()).split('compare_models.py ')[2]
    args = TOOL['parse_args'](example.split())
    (tmp_path / 'annotations').mkdir()
    np.savez(
        tmp_path / 'annotations/test.npz',
        imgname=np.array(['a.png']),
        center=np.array([[80.0, 60.0]]),
        scale=np.array([0.5]),
        pose=np.zeros((1, 72)),
        shape=np.zeros((1, 10)),
    )
    folder = str(tmp_path)
    (picture,) = TOOL['pictures_of_data'](args.ann_file, folder, args.num)
    assert picture.image == f'{folder}/a.png'


def test_cropped_to_the_people(compare):
    code, figure, printed = compare(
        *(PICTURE, '--bbox', 100, 200, 50, 100, '--bbox', 200, 300, 40, 100),
        *('--crop', '--views', 'overlay', '--height', 260),
    )
    assert code == 0, printed.err
    # 140 x 200 pixels of boxes, and 30 at each side.
    image = cv2.imread(PICTURE)[170:430, 70:270, ::-1]
    np.testing.assert_array_equal(figure[30:-GAP, GAP : GAP + 200], image)
    assert figure.shape == (30 + 260 + GAP, 2 * 200 + 3 * GAP, 3)


def test_titles():
    titles = TOOL['make_titles']
    assert titles(['A', 'B'], ['overlay', 'side']) == [
        'picture',
        'A',
        'B',
        'A, from the side',
        'B, from the side',
    ]
    assert titles(['A'], ['overlay', 'top']) == ['picture', 'overlay', 'from above']


def test_models_are_called_as_asked(compare, monkeypatch, capsys):
    told = []
    scope = TOOL['main'].__globals__
    plain = scope['figure_grid']
    monkeypatch.setitem(
        scope,
        'figure_grid',
        lambda rows, titles, height: told.append(titles) or plain(rows, titles, height),
    )
    twice = ('--models', 'openbody-tiny', 'openbody-tiny', '--height', 64)
    arguments = (PICTURE, '--bbox', *BOX, '--views', 'overlay', *twice)
    assert compare(*arguments, '--names', 'before', 'after')[0] == 0
    assert told == [['picture', 'before', 'after']]
    with pytest.raises(SystemExit):
        compare(*arguments, '--names', 'before')
    assert '--names' in capsys.readouterr().err


def test_mistakes(compare, capsys):
    for arguments, part in (
        ((), 'give pictures, or --ann-file'),
        ((PICTURE, '--models', 'a', 'b', '--weights', 'c'), 'each of the 2 models'),
        (('--ann-file', 'a.npz', '--num', 0), '--num 1'),
        ((PICTURE, '--num', 4), '--num has no effect without --ann-file'),
        ((PICTURE, '--data-root', '.'), '--data-root has no effect without --ann-file'),
        ((PICTURE, '--cfg-options', 'HMR2.0', 'a=1'), "KEY=VALUE, got 'HMR2.0'"),
        ((PICTURE, '--cfg-options', 1), 'needs KEY=VALUE, got 1'),
        ((PICTURE, '--cfg-options', 1, 'a=1', 'b'), 'needs KEY=VALUE, got 1 a=1 b'),
        ((PICTURE, '--cfg-options', 2, 'a=1'), 'are numbered from 1 to 1'),
    ):
        with pytest.raises(SystemExit) as stop:
            compare(*arguments)
        assert stop.value.code == 2 and part in capsys.readouterr().err
    for arguments, part in (
        ((PICTURE, '--models', 'nobody'), "'nobody' is neither"),
        (('none.jpg',), 'none.jpg'),
        ((PICTURE, '--weights', 'none.pth'), 'none.pth'),
        ((PICTURE, PICTURE, '--bbox', *BOX), 'one entry for each picture'),
    ):
        code, figure, printed = compare(*arguments)
        assert code == 1 and figure is None
        (line,) = [x for x in printed.err.splitlines() if x.startswith('error: ')]
        assert part in line and 'Traceback' not in printed.err
