"""Boxes find their picture, or their frame of a video."""

import numpy as np
import pytest

from deforhmr_mm.apis.box_source import Boxes, BoxSource, as_boxes
from deforhmr_mm.apis.inputs import expand_inputs
from deforhmr_mm.geometry.boxes import validate_bboxes

BOX, OTHER = [1, 2, 3, 4], [5, 6, 7, 8]
PICTURES = ['x/a.PNG', 'x/b.jpg', 'x/b.png']


def one(path):
    (item,) = expand_inputs(path)
    return item


def rows(boxes):
    return None if boxes is None else boxes.bboxes.tolist()


def test_scores_are_the_fifth_number():
    boxes = as_boxes([[*BOX, 0.5], [*OTHER, 0.25]], 'xywh')
    assert rows(boxes) == [BOX, OTHER]
    assert (boxes.scores.tolist(), boxes.bbox_format) == ([0.5, 0.25], 'xywh')
    assert as_boxes([BOX]).scores is None and as_boxes(None) is None
    assert (
        as_boxes([]).bboxes.shape == as_boxes(np.zeros((0, 4))).bboxes.shape == (0, 4)
    )
    given = Boxes(np.array([BOX]), None, 'xywh')
    assert as_boxes(given, 'xyxy') is given
    for bad in ([[1, 2, 3]], [[BOX]], 'text', [[1, 2, 3, 'a']], [None] * 4):
        with pytest.raises(ValueError, match='rows of 4 numbers, or of 5'):
            as_boxes(bad)


def test_numpy_takes_the_boxes_alone():
    boxes = as_boxes([[*BOX, 0.5]], 'xywh')
    assert np.asarray(boxes).tolist() == [BOX]
    assert validate_bboxes(boxes, 'xywh', (9, 9)).tolist() == [[1, 2, 4, 6]]


def test_boxes_by_order_and_by_name():
    item = one('x/b.jpg')
    forms = (BOX, [BOX], np.array([BOX]), [[BOX]], {'b.jpg': [BOX]}, [*BOX, 0.5])
    for boxes in (*forms, as_boxes([BOX])):
        assert rows(BoxSource(boxes, [item]).get(0, item)) == [BOX]
    many = expand_inputs(PICTURES)
    source = BoxSource([[BOX], None, []], many)
    assert [rows(source.get(i, item)) for i, item in enumerate(many)] == [
        [BOX],
        None,
        [],
    ]
    assert BoxSource(None, many).get(1, many[1]) is None
    assert rows(BoxSource([], [item]).get(0, item)) == []


def test_each_box_says_its_format():
    items = expand_inputs(PICTURES)
    source = BoxSource([[BOX], as_boxes([BOX], 'xyxy'), []], items, 'xywh')
    formats = [source.get(i, item).bbox_format for i, item in enumerate(items)]
    assert formats == ['xywh', 'xyxy', 'xywh']


def test_names_may_leave_out_leading_folders_and_the_suffix():
    item = one('y/x/b.jpg')
    for key in ('b.jpg', 'x/b.jpg', 'y/x/b.jpg', 'b', 'x/b'):
        assert rows(BoxSource({key: [BOX]}, [item]).get(0, item)) == [BOX]
    both = {'b': [OTHER], 'b.jpg': [BOX]}
    assert rows(BoxSource(both, [item]).get(0, item)) == [BOX]
    with pytest.raises(ValueError, match=r'no boxes for y/x/b\.jpg'):
        BoxSource({'xb.jpg': [BOX]}, [item]).get(0, item)
    url = one('https://host/x/b.jpg?size=3')
    assert rows(BoxSource({'b.jpg': [BOX]}, [url]).get(0, url)) == [BOX]
    number = one('x/000785.jpg')
    assert rows(BoxSource({'000785': [BOX]}, [number]).get(0, number)) == [BOX]


def test_boxes_of_one_picture_do_not_fit_several():
    items = expand_inputs(PICTURES)
    for boxes in ([BOX], as_boxes([BOX]), as_boxes([])):
        with pytest.raises(ValueError, match='there are 3'):
            BoxSource(boxes, items)
    with pytest.raises(ValueError, match='3 pictures'):
        BoxSource([[BOX], [BOX]], items)
    with pytest.raises(ValueError, match='got 7'):
        BoxSource(7, items)


def test_as_many_pictures_as_a_box_has_numbers():
    items = expand_inputs([f'{index}.jpg' for index in range(4)])
    source = BoxSource([None] * 4, items)
    assert source.get(3, items[3]) is None


BY_FRAME = {
    'a list': ([[BOX], [], None, [OTHER, BOX]]),
    'a list for each input': ([[[BOX], [], None, [OTHER, BOX]]]),
    'numbers': {0: [BOX], 2: None, 3: [OTHER, BOX]},
    'numbers as text': {'0': [BOX], '2': None, '3': [OTHER, BOX]},
    'by name': {'a.mp4': [[BOX], [], None, [OTHER, BOX]]},
    'by name and number': {'x/a': {'0': [BOX], '2': None, '3': [OTHER, BOX]}},
    'boxes': [as_boxes([BOX]), as_boxes([]), None, as_boxes([OTHER, BOX])],
}


@pytest.mark.parametrize('form', BY_FRAME)
def test_boxes_by_frame(form):
    item = one('x/a.mp4')
    source = BoxSource(BY_FRAME[form], [item])
    found = [rows(source.get_frame(item, frame)) for frame in range(4)]
    assert found == [[BOX], [], None, [OTHER, BOX]]


def test_frames_beyond_the_list_are_an_error_and_beyond_the_mapping_are_empty():
    item = one('x/a.mp4')
    with pytest.raises(ValueError, match=r'a\.mp4.* of 2 frames, but none of frame 2'):
        BoxSource([[BOX], []], [item]).get_frame(item, 2)
    assert rows(BoxSource({0: [BOX]}, [item]).get_frame(item, 2)) == []
    with pytest.raises(ValueError, match=r'as keys, got .*first'):
        BoxSource({'a.mp4': {'first': [BOX]}}, [item]).get_frame(item, 0)


@pytest.mark.parametrize('boxes', [[BOX], as_boxes([BOX]), {'a.mp4': [BOX]}, [[BOX]]])
def test_boxes_of_no_frame_hold_for_every_frame(boxes):
    item = one('x/a.mp4')
    assert rows(BoxSource(boxes, [item]).get_frame(item, 77)) == [BOX]
    assert BoxSource(None, [item]).get_frame(item, 77) is None


def test_pictures_and_videos_together():
    items = expand_inputs(['a.jpg', 'a.mp4'])
    boxes = {'a.jpg': [BOX], 'a.mp4': [[OTHER], [BOX]]}
    for given in (boxes, list(boxes.values())):
        source = BoxSource(given, items)
        assert rows(source.get(0, items[0])) == [BOX]
        assert rows(source.get_frame(items[1], 1)) == [BOX]
    with pytest.raises(ValueError, match='rows of 4'):
        source.get(1, items[1])


@pytest.mark.parametrize(
    'boxes', [[BOX, OTHER], as_boxes([BOX, OTHER]), {'a.mp4': [BOX, OTHER]}]
)
def test_several_boxes_of_no_frame_might_be_one_a_frame(boxes):
    item = one('x/a.mp4')
    with pytest.raises(ValueError, match=r'a\.mp4: are its 2 boxes of one frame each'):
        BoxSource(boxes, [item]).get_frame(item, 0)
    # A camera has no frames to count.
    if not isinstance(boxes, dict):
        camera = one('webcam')
        found = BoxSource(boxes, [camera]).get_frame(camera, 5)
        assert rows(found) == [BOX, OTHER]
