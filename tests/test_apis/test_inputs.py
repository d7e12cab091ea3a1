"""Which pictures and boxes a call means."""

import json

import numpy as np
import pytest

from deforhmr_mm.apis.inputs import BoxSource, expand_inputs, load_coco_boxes

BOX = [1, 2, 3, 4]


@pytest.fixture
def folder(tmp_path):
    for name in ('b.jpg', 'a.PNG', 'notes.txt', '.hidden.jpg', 'b.png'):
        (tmp_path / name).write_bytes(b'')
    return tmp_path


def names(items):
    return [item.name.rsplit('/', 1)[-1] for item in items]


def test_folder_glob_and_list(folder):
    assert names(expand_inputs(folder)) == ['a.PNG', 'b.jpg', 'b.png']
    assert names(expand_inputs(str(folder / '*.jpg'))) == ['b.jpg']
    array = np.zeros((2, 2, 3), np.uint8)
    items = expand_inputs([folder / 'b.jpg', array, str(folder)])
    assert names(items) == ['b.jpg', 'image_0001', 'a.PNG', 'b.jpg', 'b.png']
    assert items[1].source is array


def test_output_names_do_not_collide(folder):
    items = expand_inputs([str(folder), folder / 'b.jpg', folder / 'b.jpg'])
    stems = [item.stem for item in items]
    assert stems[:3] == ['a', 'b', 'b_png'] and len(set(stems)) == len(stems)


def test_no_picture_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match='holds no picture'):
        expand_inputs(tmp_path)
    with pytest.raises(FileNotFoundError, match='no picture matches'):
        expand_inputs(str(tmp_path / '*.jpg'))
    with pytest.raises(TypeError, match='got int'):
        expand_inputs(3)


def test_boxes_by_order_and_by_name(folder):
    one = expand_inputs(folder / 'b.jpg')
    for boxes in (BOX, [BOX], np.array([BOX]), [[BOX]], {'b.jpg': [BOX]}):
        found = BoxSource(boxes, one).get(0, one[0])
        np.testing.assert_array_equal(found, [BOX])
    many = expand_inputs(folder)
    source = BoxSource([[BOX], None, []], many)
    assert [source.get(i, item) for i, item in enumerate(many)] == [[BOX], None, []]
    assert BoxSource(None, many).get(1, many[1]) is None


def test_names_may_leave_out_leading_folders(folder):
    (item,) = expand_inputs(folder / 'b.jpg')
    for key in ('b.jpg', f'{folder.name}/b.jpg', str(folder / 'b.jpg')):
        assert BoxSource({key: [BOX]}, [item]).get(0, item) == [BOX]
    with pytest.raises(ValueError, match=r'no boxes for .*b\.jpg'):
        BoxSource({'xb.jpg': [BOX]}, [item]).get(0, item)


def test_boxes_of_one_picture_do_not_fit_several(folder):
    items = expand_inputs(folder)
    with pytest.raises(ValueError, match='there are 3'):
        BoxSource([BOX], items)
    with pytest.raises(ValueError, match='3 pictures'):
        BoxSource([[BOX], [BOX]], items)


def write_coco(path, **changes):
    data = dict(
        images=[dict(id=7, file_name='x/a.jpg'), dict(id=8, file_name='b.jpg')],
        annotations=[
            dict(image_id=7, bbox=BOX, category_id=1),
            dict(image_id=7, bbox=[0, 0, 9, 9], category_id=1, iscrowd=1),
            dict(image_id=7, bbox=[0, 0, 8, 8], category_id=3),
            dict(image_id=7, bbox=[5, 6, 7, 8], category_id=1, iscrowd=0),
        ],
        categories=[dict(id=1, name='person'), dict(id=3, name='car')],
    )
    path.write_text(json.dumps(data | changes))
    return path


def test_coco_boxes(tmp_path):
    boxes = load_coco_boxes(write_coco(tmp_path / 'coco.json'))
    assert boxes == {'x/a.jpg': [BOX, [5, 6, 7, 8]], 'b.jpg': []}


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(images=None), 'not a COCO annotation file'),
        (dict(annotations=[dict(image_id=9, bbox=BOX, category_id=1)]), 'KeyError'),
        (dict(annotations=[dict(image_id=7, category_id=1)]), "'bbox'"),
    ],
)
def test_bad_coco_files_are_named(tmp_path, changes, message):
    path = write_coco(tmp_path / 'coco.json', **changes)
    with pytest.raises(ValueError, match=rf'coco\.json.*{message}'):
        load_coco_boxes(path)


def test_missing_or_broken_coco_file(tmp_path):
    with pytest.raises(FileNotFoundError, match='none.json'):
        load_coco_boxes(tmp_path / 'none.json')
    (tmp_path / 'cut.json').write_text('{"images": [')
    with pytest.raises(ValueError, match=r'cut\.json is not JSON'):
        load_coco_boxes(tmp_path / 'cut.json')
