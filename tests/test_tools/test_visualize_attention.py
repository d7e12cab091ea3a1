"""The attention figure of the shipped model, and of models of other kinds."""

import json
import runpy
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.logging import MMLogger

from deforhmr_mm.apis import inference_topdown, init_model, resolve_model
from deforhmr_mm.geometry.sampling import cell_centres
from deforhmr_mm.models.layers import RecordedAttention, TokenGrid, record_attention
from deforhmr_mm.visualization.figure_grid import GAP

ROOT = Path(__file__).resolve().parents[2]
TOOL = runpy.run_path(str(ROOT / 'tools' / 'analysis_tools' / 'visualize_attention.py'))
PICTURE = str(ROOT / 'demo' / 'samples' / '000034.jpg')
BOX = (180, 141, 212, 283)
HMR2 = """
_base_ = {base!r}
model = dict(
    head=dict(
        _delete_=True, type='HMR2Head', in_channels=192, num_layers=1, embed_dims=16,
        num_heads=2, head_dims=8, ffn_dims=16,
    )
)
"""


@pytest.fixture
def draw(tmp_path, capsys, monkeypatch):
    """Call of the tool: draw(options...) -> exit code, picture or None, outputs."""

    def call(*options, picture=PICTURE):
        out = tmp_path / 'figure.png'
        # mmengine keeps loggers for the whole process, and they closed streams.
        monkeypatch.setattr(MMLogger, '_instance_dict', OrderedDict())
        code = TOOL['main']([str(picture), *map(str, options), '--out', str(out)])
        image = cv2.imread(str(out))[..., ::-1] if out.is_file() else None
        return code, image, capsys.readouterr()

    return call


def test_marks_are_where_the_model_looks(draw):
    code, figure, printed = draw('--bbox', *BOX, '--height', 256)
    assert code == 0, printed.err
    model = init_model(*resolve_model('openbody-tiny'))
    with record_attention(model) as records:
        inference_topdown(model, PICTURE, [BOX], 'xywh')
    total = 0
    for column, record in enumerate((records[0], records[-1]), start=1):
        values = record.weights[0, 0].sum(0).numpy()
        total += (values > 0.25).sum()
        # The stem's tokens are centred on pixel 32 j; at 256 pixels of height the
        # panel is the crop.
        pixels = ((record.positions[0, 0].numpy() + 1) * (6, 8) - 1) / 2 * 32
        left, top = GAP + column * (192 + GAP), 30
        panel = figure[top : top + 256, left : left + 192].astype(int)
        inside = ((pixels > 4) & (pixels < (188, 252))).all(-1)
        colorful = np.ptp(panel, axis=-1)
        for (x, y), value, seen in zip(pixels, values, inside, strict=True):
            if seen and value > 0.25:
                assert colorful[round(y), round(x)] > 60
        strongest = np.argmax(np.where(inside, values, 0))
        x, y = pixels[strongest].round().astype(int)
        assert values[strongest] > 0.25 and colorful[y, x] > 90
    assert f'{total} of 96 positions' in printed.out


def test_positions_above_the_threshold_are_marked(draw):
    panels, said = {}, {}
    for threshold in (0, 30):
        code, figure, printed = draw(
            '--bbox', *BOX, '--height', 256, '--threshold', threshold
        )
        assert code == 0, printed.err
        said[threshold] = printed.out
        panels[threshold] = [
            figure[30 : 30 + 256, left : left + 192]
            for left in (GAP + column * (192 + GAP) for column in (1, 2))
        ]
    assert '96 of 96 positions are above 0;' in said[0]
    assert ' 0 of 96 positions are above 30;' in said[30]
    # Without marks both layers are the crop alone, paler.
    np.testing.assert_array_equal(*panels[30])
    for marked in panels[0]:
        assert (marked != panels[30][0]).any(-1).mean() > 0.02


def test_a_row_for_each_person_a_column_for_each_layer_and_head(draw):
    boxes = ('--bbox', *BOX, '--bbox', 95, 228, 140, 188)
    code, figure, printed = draw(
        *boxes, '--layers', 1, '--heads', 0, 7, '--height', 128, '--full-image'
    )
    assert code == 0, printed.err
    width = round(128 * 459 / 689)
    assert figure.shape[0] == 30 + 2 * (128 + GAP)
    assert figure.shape[1] > 3 * width + 5 * GAP
    picture = cv2.resize(
        cv2.imread(PICTURE)[..., ::-1], (width, 128), interpolation=cv2.INTER_AREA
    )
    for top in (30, 30 + 128 + GAP):
        # The first column is as wide as the picture, or as its title.
        panel = figure[top : top + 128, GAP : GAP + width].astype(int)
        assert np.abs(panel - picture).mean() < 4


def test_boxes_of_a_file(draw, tmp_path):
    boxes = dict(
        images=[dict(id=1, file_name='000034.jpg')],
        annotations=[dict(image_id=1, bbox=list(BOX))],
    )
    (tmp_path / 'boxes.json').write_text(json.dumps(boxes))
    _, from_file, _ = draw('--bbox-file', tmp_path / 'boxes.json', '--height', 64)
    _, given, _ = draw('--bbox', *BOX, '--height', 64)
    np.testing.assert_array_equal(from_file, given)


def test_panels_sum_the_queries_of_one_head_and_person():
    weights = torch.zeros(2, 4, 3, 2)
    weights[1, 2] = torch.tensor([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5]])
    positions = torch.zeros(2, 2, 2, 2)
    positions[1, 1] = torch.tensor([[0.0, 0.5], [1.0, -0.5]])
    record = RecordedAttention(0, (1, 2), weights, positions)
    panel = TOOL['make_panel'](record, 1, 2, [0, 1], TokenGrid(16, 5.5))
    np.testing.assert_allclose(panel.values, [1.1, 0.9], rtol=1e-6)
    # Two cells of 16 pixels, centred on 5.5 and 21.5; one row.
    np.testing.assert_allclose(panel.positions, [[13.5, 9.5], [29.5, 1.5]])
    np.testing.assert_allclose(panel.origins, [[5.5, 5.5], [21.5, 5.5]])
    np.testing.assert_allclose(
        panel.origins, TokenGrid(16, 5.5).pixels(cell_centres(1, 2), (1, 2))
    )


def test_queries_by_name():
    find = TOOL['find_queries']
    assert find(['all'], 25) == list(range(25)) and find(['all'], 1) == [0]
    assert find(['pelvis', 'shape'], 25) == [0, 24] and find(['camera'], 26) == [25]
    with pytest.raises(ValueError, match='no token camera; it has all, pelvis'):
        find(['camera'], 25)
    with pytest.raises(ValueError, match='one for everything'):
        find(['left_knee'], 1)


def test_a_flip_test_does_not_change_what_is_drawn(draw):
    box = ('--bbox', *BOX, '--height', 128)
    _, plain, _ = draw(*box)
    flip_test = ('--cfg-options', 'model.test_cfg.flip_test=True')
    code, flipped, printed = draw(*box, *flip_test)
    assert code == 0, printed.err
    assert np.array_equal(plain, flipped)


def test_encoders_that_do_not_say_where_their_tokens_lie(capsys):
    grid = TOOL['find_token_grid'](torch.nn.Identity(), 256, 8)
    assert grid == TokenGrid(32, 15.5)
    assert 'Identity does not say' in capsys.readouterr().out


def test_mistakes_are_one_line(draw, tmp_path):
    config = tmp_path / 'hmr2.py'
    base = ROOT / 'configs' / 'deforhmr' / 'deforhmr_vit-tiny_openbody-256x192.py'
    config.write_text(HMR2.format(base=str(base)))
    for options, part in (
        (('--layers', 3), '--layers: 3 is none of the 3 layers'),
        (('--heads', -9), '--heads: -9 is none of the 8 heads'),
        (('--queries', 'knee'), 'no token knee'),
        (('--model', config), "HMR2.0's decoder reads all cells"),
        (('--bbox', 0, 0, -3, 5), 'error: '),
    ):
        code, figure, printed = draw(*options)
        assert code == 1 and figure is None
        (line,) = [x for x in printed.err.splitlines() if x.startswith('error: ')]
        assert part in line and 'Traceback' not in printed.err
    code, _, printed = draw(picture=tmp_path / 'none.jpg')
    assert code == 1 and 'none.jpg' in printed.err
