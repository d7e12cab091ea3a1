"""Columns, files and runs, apart from any data set."""

import numpy as np
import pytest

from deforhmr_mm.datasets import AnnotationError
from deforhmr_mm.datasets.conversion import (
    Expected,
    Part,
    box_around,
    check_columns,
    concatenate,
    convert,
    place_joints,
    write_npz,
)
from deforhmr_mm.datasets.readers import read_spin_npz
from deforhmr_mm.datasets.readers.boxes import has_longer_sides
from deforhmr_mm.geometry.boxes import BBOX_PADDING, bbox_to_center_scale


def people(count, **more):
    return {
        'imgname': [f'{row}.jpg' for row in range(count)],
        'center': np.ones((count, 2)),
        'scale': np.ones(count),
        **more,
    }


def test_columns_get_their_types():
    checked = check_columns(people(2, pose=np.zeros((2, 72)), person_id=[3, 4]), 'here')
    assert checked['pose'].dtype == np.float32 and checked['scale'].dtype == np.float32
    assert checked['person_id'].dtype == np.int64
    assert checked['imgname'].tolist() == ['0.jpg', '1.jpg']
    assert check_columns(people(0), 'here')['center'].shape == (0, 2)


@pytest.mark.parametrize(
    ('change', 'said'),
    [
        ({'pose': np.zeros((2, 24, 3))}, r"'pose' must have the shape \(2, 72\)"),
        ({'center': [[1, 1], [np.nan, 1]]}, "'center' is not finite in 1 rows.*row 1"),
        ({'scale': [1, 0]}, r'the box of row 1 \(1.jpg\) has no size'),
        ({'weight': np.zeros(2)}, "'weight' is no column"),
    ],
)
def test_wrong_columns_are_refused(change, said):
    with pytest.raises(AnnotationError, match='^here: ' + said):
        check_columns(people(2, **change), 'here')
    with pytest.raises(AnnotationError, match='no center, scale came out'):
        check_columns({'imgname': []}, 'here')


def test_what_a_part_lacks_is_unknown():
    first = check_columns(people(1, S=np.ones((1, 24, 4)), person_id=[1]), '')
    second = check_columns(
        people(2, gender=['m', 'f'], global_t=np.ones((2, 3)), person_id=[0, -1]), ''
    )
    joined = concatenate([first, second])
    assert joined['gender'].tolist() == ['n', 'm', 'f']
    assert joined['S'][0].all() and not joined['S'][1:].any()
    assert np.isnan(joined['global_t'][0]).all() and (joined['global_t'][1:] == 1).all()
    assert joined['person_id'].tolist() == [1, 2, -1]
    with pytest.raises(ValueError, match='no parts'):
        concatenate([])


def test_boxes_and_places():
    points = np.array([[[0.0, 0.0], [50.0, 100.0], [999.0, 999.0]]])
    center, scale = box_around(points, np.array([[1, 1, 0]]), padding=2.0)
    assert center.tolist() == [[25, 50]] and scale.tolist() == [1.0]
    placed = place_joints(np.arange(6.0).reshape(1, 2, 3), ('thorax', 'right_ankle'))
    assert placed[0, 0].tolist() == [3, 4, 5] and not placed[0, 1:].any()


@pytest.mark.parametrize('size', [(50, 200), (150, 200), (180, 200), (200, 50)])
def test_the_crop_of_a_box_holds_the_whole_person(tmp_path, size):
    width, height = size
    corners = np.array([[[300.0, 400], [300 + width, 400 + height]]])
    center, scale = box_around(corners)
    columns = {**people(1), 'center': center, 'scale': scale}
    write_npz(tmp_path / 'one.npz', check_columns(columns, 'a file'))
    labels = read_spin_npz(tmp_path / 'one.npz')
    # Not for a data set to guess who is wide.
    assert not has_longer_sides(tmp_path / 'one.npz')
    inside = labels.scale[0] / BBOX_PADDING
    assert (inside >= np.array(size) - 1e-3).all()
    # As inference cuts it out: no larger than the box needs.
    expected, sides = bbox_to_center_scale(corners.reshape(1, 4), BBOX_PADDING)
    np.testing.assert_allclose(labels.center, expected)
    np.testing.assert_allclose(labels.scale, sides, rtol=1e-6)


def test_a_failed_write_leaves_nothing(tmp_path, monkeypatch):
    def fail(file, **arrays):
        file.write(b'half')
        raise OSError('disk full')

    monkeypatch.setattr(np, 'savez_compressed', fail)
    with pytest.raises(OSError, match='disk full'):
        write_npz(tmp_path / 'a.npz', people(1))
    assert not list(tmp_path.iterdir())


def test_a_damaged_part_is_made_again(tmp_path):
    source = tmp_path / 'input'
    source.write_text('x')
    calls = []

    def part(name, **settings):
        def make():
            calls.append(name)
            if name == 'stop':
                raise KeyboardInterrupt
            return people(1)

        return Part(name, [source], make, settings)

    out = tmp_path / 'people.npz'
    with pytest.raises(KeyboardInterrupt):
        convert([part('a'), part('b'), part('c'), part('stop')], out)
    folder = tmp_path / 'people.npz.parts'
    (folder / 'b.npz').write_bytes(b'PK damaged')
    lines = convert([part('a'), part('b'), part('c', every=2)], out)
    assert calls == ['a', 'b', 'c', 'stop', 'b', 'c']
    assert lines[1] == '1 of 3 parts were there from an earlier run'
    assert not folder.exists()


def test_the_number_is_compared(tmp_path):
    part = Part('a', [], lambda: people(2))
    out = tmp_path / 'people.npz'
    lines = convert([part], out, Expected(2, 'the paper'))
    assert lines == [f'{out}: 2 people in 2 pictures', '2 people, as the paper has it']
    lines = convert([part], out, Expected(3, 'the paper'))
    assert lines[1] == 'warning: 2 people came out, but the paper has 3'
    with pytest.raises(ValueError, match='must end with .npz'):
        convert([part], tmp_path / 'people.pkl')
