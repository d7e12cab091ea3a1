"""People's boxes from every kind of JSON file that is about."""

import json

import numpy as np
import pytest

from deforhmr_mm.apis.box_files import load_boxes, load_coco_boxes
from deforhmr_mm.apis.box_source import Boxes, BoxSource
from deforhmr_mm.apis.inputs import expand_inputs

BOX, OTHER = [1, 2, 3, 4], [5, 6, 7, 8]


def plain(boxes):
    """`Boxes`, alone or inside others, as plain values that can be compared."""
    if isinstance(boxes, Boxes):
        scores = None if boxes.scores is None else boxes.scores.tolist()
        return boxes.bboxes.tolist(), scores, boxes.bbox_format
    if isinstance(boxes, dict):
        return {key: plain(value) for key, value in boxes.items()}
    return [plain(value) for value in boxes] if isinstance(boxes, list) else boxes


def read(folder, data, annotations=None, name='boxes.json'):
    path = folder / name
    path.write_text(json.dumps(data))
    return plain(load_boxes(path, annotations))


def write_coco(path, **changes):
    data = dict(
        images=[dict(id=7, file_name='x/a.jpg'), dict(id=8, file_name='b.jpg')],
        annotations=[
            dict(image_id=7, bbox=BOX, category_id=1),
            dict(image_id=7, bbox=[0, 0, 9, 9], category_id=1, iscrowd=1),
            dict(image_id=7, bbox=[0, 0, 8, 8], category_id=3),
            dict(image_id=7, bbox=OTHER, category_id=1, iscrowd=0),
        ],
        categories=[dict(id=1, name='person'), dict(id=3, name='car')],
    )
    path.write_text(json.dumps(data | changes))
    return path


EMPTY = ([], None, 'xywh')


def test_coco_annotations(tmp_path):
    path = write_coco(tmp_path / 'coco.json')
    assert load_coco_boxes(path) == {'x/a.jpg': [BOX, OTHER], 'b.jpg': []}
    wanted = {'x/a.jpg': ([BOX, OTHER], None, 'xywh'), 'b.jpg': EMPTY}
    assert plain(load_boxes(path)) == wanted
    named = [dict(id=1, name='Person'), dict(id=3, name='car')]
    assert plain(load_boxes(write_coco(path, categories=named))) == wanted
    rows = [dict(image_id=8, bbox=BOX, category_id=1, score=0.5)]
    path = write_coco(path, annotations=rows)
    assert plain(load_boxes(path))['b.jpg'] == ([BOX], [0.5], 'xywh')


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        (dict(images=None), 'not a COCO annotation file'),
        (dict(annotations=[dict(image_id=9, bbox=BOX, category_id=1)]), 'KeyError'),
        (dict(annotations=[dict(image_id=7, category_id=1)]), "'bbox'"),
        (dict(categories=[dict(id=1, name='car')]), r"no category 'person'.*'car'"),
    ],
)
@pytest.mark.parametrize('load', [load_coco_boxes, load_boxes])
def test_bad_coco_files_are_named(tmp_path, load, changes, message):
    path = write_coco(tmp_path / 'coco.json', **changes)
    with pytest.raises(ValueError, match=rf'coco\.json.*{message}'):
        load(path)


@pytest.mark.parametrize('load', [load_coco_boxes, load_boxes])
def test_missing_or_broken_file(tmp_path, load):
    with pytest.raises(FileNotFoundError, match='none.json'):
        load(tmp_path / 'none.json')
    (tmp_path / 'cut.json').write_text('{"images": [')
    with pytest.raises(ValueError, match=r'cut\.json is not JSON'):
        load(tmp_path / 'cut.json')


RESULTS = [
    dict(image_id=7, bbox=BOX, score=0.9, category_id=1),
    dict(image_id=7, bbox=[0, 0, 8, 8], score=0.8, category_id=3),
    dict(image_id=7, bbox=OTHER, score=0.7, category_id=1),
]


def test_coco_results(tmp_path):
    coco = write_coco(tmp_path / 'coco.json')
    wanted = {'x/a.jpg': ([BOX, OTHER], [0.9, 0.7], 'xywh'), 'b.jpg': EMPTY}
    assert read(tmp_path, RESULTS, coco) == wanted
    assert read(tmp_path, [], coco) == {'x/a.jpg': EMPTY, 'b.jpg': EMPTY}
    assert read(tmp_path, []) == {}
    # Other data sets number their classes otherwise: people are found by name.
    other = [dict(id=3, name='person'), dict(id=1, name='car')]
    write_coco(coco, categories=other)
    assert read(tmp_path, RESULTS, coco)['x/a.jpg'] == ([[0, 0, 8, 8]], [0.8], 'xywh')


def test_coco_results_with_names(tmp_path, logged):
    named = [dict(row, image_id='a.jpg') for row in RESULTS]
    found = read(tmp_path, named)
    assert found == {'a.jpg': ([BOX, OTHER], [0.9, 0.7], 'xywh')}
    assert 'boxes of class 1 are taken for people' in logged[0][1]
    alone = [dict(image_id='a.jpg', bbox=BOX, score=0.9, category_id=5)]
    assert read(tmp_path, alone) == {'a.jpg': ([BOX], [0.9], 'xywh')}
    with pytest.raises(ValueError, match=r'boxes\.json, entry 0: .*picture 7.*`annot'):
        read(tmp_path, RESULTS)
    coco = write_coco(tmp_path / 'coco.json')
    with pytest.raises(ValueError, match=r'picture 9.*coco\.json has no such'):
        read(tmp_path, [dict(RESULTS[0], image_id=9)], coco)


def test_file_names(tmp_path):
    data = {
        'a.jpg': [BOX, OTHER],
        'b.jpg': [[*BOX, 0.5]],
        'c.jpg': [],
        'd.jpg': BOX,
        'e.jpg': None,
    }
    assert read(tmp_path, data) == {
        'a.jpg': ([BOX, OTHER], None, 'xywh'),
        'b.jpg': ([BOX], [0.5], 'xywh'),
        'c.jpg': EMPTY,
        'd.jpg': ([BOX], None, 'xywh'),
        'e.jpg': None,
    }


def test_plain_rows_are_what_the_caller_says(tmp_path):
    path = tmp_path / 'boxes.json'
    corners = ([BOX], None, 'xyxy')
    for data, wanted in (
        ({'a.jpg': [BOX]}, {'a.jpg': corners}),
        ({'a.mp4': {'3': [BOX]}}, {'a.mp4': {3: corners}}),
        ([[BOX], []], [corners, (*EMPTY[:2], 'xyxy')]),
    ):
        path.write_text(json.dumps(data))
        assert plain(load_boxes(path, bbox_format='xyxy')) == wanted
    # COCO's files say it by themselves.
    found = plain(load_boxes(write_coco(path), bbox_format='xyxy'))
    assert found['x/a.jpg'][2] == 'xywh'


def test_frames_of_videos(tmp_path):
    box, other = ([BOX], [0.5], 'xywh'), ([OTHER], None, 'xywh')
    numbers = {'0': [[*BOX, 0.5]], '3': [OTHER]}
    in_order = [[[*BOX, 0.5]], [], None, [OTHER]]
    data = {'a.mp4': numbers, 'b.mp4': in_order, 'c.jpg': [OTHER]}
    assert read(tmp_path, data) == {
        'a.mp4': {0: box, 3: other},
        'b.mp4': [box, EMPTY, None, other],
        'c.jpg': other,
    }
    assert read(tmp_path, in_order) == [box, EMPTY, None, other]
    assert read(tmp_path, [[], []]) == [EMPTY, EMPTY]
    assert read(tmp_path, [BOX, OTHER]) == ([BOX, OTHER], None, 'xywh')


def test_what_mmdet_writes(tmp_path):
    data = dict(labels=[0, 2, 0], scores=[0.9, 0.8, 0.7], bboxes=[BOX, [0] * 4, OTHER])
    wanted = ([BOX, OTHER], [0.9, 0.7], 'xyxy')
    assert read(tmp_path, data, name='000785.json') == {'000785': wanted}
    assert read(tmp_path, {'a.jpg': data, 'b.jpg': dict(bboxes=[])}) == {
        'a.jpg': wanted,
        'b.jpg': ([], None, 'xyxy'),
    }
    # Nobody in a picture whose only class is another.
    dog = dict(labels=[16], scores=[0.9], bboxes=[BOX])
    assert read(tmp_path, {'a.jpg': data, 'b.jpg': dog}) == {
        'a.jpg': wanted,
        'b.jpg': ([], None, 'xyxy'),
    }
    with pytest.raises(ValueError, match="'boxes.json': its bboxes, scores and labels"):
        read(tmp_path, dict(data, scores=[0.9]))


def test_what_mmpose_writes(tmp_path):
    # Its boxes lie in a list of one each.
    people = [
        dict(keypoints=[[0, 0]], bbox=[BOX], bbox_score=0.9),
        dict(keypoints=[[0, 0]], bbox=OTHER, bbox_score=0.7),
    ]
    wanted = ([BOX, OTHER], [0.9, 0.7], 'xyxy')
    none = ([], None, 'xyxy')
    assert read(tmp_path, people, name='a.json') == {'a': wanted}
    assert read(tmp_path, [people, people]) == [wanted, wanted]
    for first in (0, 1):
        frames = [
            dict(frame_id=first, instances=people),
            dict(frame_id=first + 1, instances=[]),
        ]
        demo = dict(meta_info={}, instance_info=frames)
        assert read(tmp_path, frames) == read(tmp_path, demo) == {0: wanted, 1: none}


@pytest.mark.parametrize(
    ('data', 'message'),
    [
        (3, 'holds 3; it is none of'),
        ({'a.jpg': 'text'}, "'a.jpg' holds 'text'"),
        ({'a.jpg': [[1, 2, 3]]}, r"'a.jpg': boxes need 4 numbers or 5, got \[\[1, 2"),
        ({'a.jpg': [['a', 2, 3, 4]]}, "'a.jpg': boxes and scores must be numbers"),
        ({'a.jpg': [BOX, [1, float('nan'), 3, 4]]}, 'box 1 = .* is not finite'),
        ({'a.jpg': [[*BOX, float('nan')]]}, 'a score is not a finite number'),
        ({'a.mp4': {'0': [[1]]}}, "'a.mp4: 0': boxes need"),
        ({'a.mp4': {'first': [BOX]}}, r"'a.mp4' holds an object with the keys \['fir"),
        ([dict(frame_id=0, instances=[{}])], 'an instance has no "bbox"'),
        ({'people': [dict(x=1)]}, "'people'"),
    ],
)
def test_other_files_are_refused_clearly(tmp_path, data, message):
    with pytest.raises(ValueError, match=message) as error:
        read(tmp_path, data)
    assert 'boxes.json' in str(error.value)
    assert 'COCO results: [{"image_id"' in str(error.value)


def test_files_feed_box_sources(tmp_path):
    path = tmp_path / 'boxes.json'
    path.write_text(json.dumps({'000785': [[*BOX, 0.5]], '000786': []}))
    items = expand_inputs(['x/000785.jpg', 'x/000786.jpg'])
    source = BoxSource(load_boxes(path), items)
    assert plain(source.get(0, items[0])) == ([BOX], [0.5], 'xywh')
    assert plain(source.get(1, items[1])) == EMPTY
    path.write_text(json.dumps({'0': [BOX], '2': [OTHER]}))
    (item,) = expand_inputs('a.mp4')
    source = BoxSource(load_boxes(path), [item])
    found = [source.get_frame(item, frame).bboxes.tolist() for frame in range(3)]
    assert found == [[BOX], [], [OTHER]]
    assert np.asarray(source.get_frame(item, 0)).dtype == np.float64
