import json

import numpy as np
import pytest

from deforhmr_mm.datasets import AnnotationError, read_labelled_people
from deforhmr_mm.structures import get_keypoint_set

NAMES = list(get_keypoint_set('coco17').names)


def person(number, image_id=1, height=200, visibility=2, **others):
    keypoints = np.stack([np.arange(17), 10 * np.arange(17), [visibility] * 17], 1)
    return {
        'id': number,
        'image_id': image_id,
        'category_id': 1,
        'bbox': [10, 20, 100.5, height],
        'keypoints': keypoints.ravel().tolist(),
        'iscrowd': 0,
        **others,
    }


@pytest.fixture
def write(tmp_path):
    def call(*people, **changes):
        content = {
            'images': [
                {'id': 1, 'file_name': 'a.jpg'},
                {'id': 2, 'file_name': 'b.jpg'},
            ],
            'categories': [
                {'id': 1, 'name': 'person', 'keypoints': NAMES},
                {'id': 2, 'name': 'cat'},
            ],
            'annotations': list(people),
            **changes,
        }
        path = tmp_path / 'people.json'
        path.write_text(json.dumps(content))
        return path

    return call


def test_people_come_as_they_were_labelled(write):
    path = write(person(7, image_id=2), person(5), person(6, visibility=1, image_id=2))
    people = read_labelled_people(path)
    assert list(people) == ['b.jpg', 'a.jpg']
    (found,) = people['a.jpg']
    assert found.annotation_id == 5
    np.testing.assert_array_equal(found.bbox, [10, 20, 100.5, 200])
    np.testing.assert_array_equal(found.keypoints[3], [3, 30])
    np.testing.assert_array_equal(found.visibility, [2] * 17)
    assert found.visible.all()


def test_who_is_left_out(write):
    mixed = person(1)
    mixed['keypoints'][2::3] = [2, 1, 0, *[1] * 14]
    no_keypoints = person(2)
    del no_keypoints['keypoints']
    path = write(
        mixed,
        no_keypoints,
        person(3, visibility=1),
        person(4, height=149.9),
        person(5, height=150),
        person(6, iscrowd=1),
        person(7, category_id=2),
    )
    (people,) = read_labelled_people(path, min_height=150).values()
    assert [found.annotation_id for found in people] == [1, 5]
    np.testing.assert_array_equal(people[0].visible, [True, *[False] * 16])
    assert len(read_labelled_people(path)['a.jpg']) == 3


@pytest.mark.parametrize(
    ('people', 'changes', 'parts'),
    [
        ([person(1)], {'images': None}, ['not a COCO keypoint file']),
        ([person(1, image_id=9)], {}, ['not a COCO keypoint file', 'KeyError(9)']),
        ([person(1, bbox=[1, 2, 3])], {}, ["annotation 1: 'bbox'", '4 finite']),
        ([person(3, keypoints=[1, 2])], {}, ["annotation 3: 'keypoints'", '51 finite']),
        ([person(1, bbox=[0, 0, 9, float('nan')])], {}, ['nan']),
        ([person(1, height=100)], {}, ['none of its 1 annotations', '150 pixels']),
        (
            [person(1)],
            {'categories': [{'id': 1, 'name': 'person', 'keypoints': NAMES[::-1]}]},
            ["must be COCO's", 'right_ankle'],
        ),
    ],
)
def test_files_of_another_kind(write, people, changes, parts):
    path = write(*people, **changes)
    with pytest.raises(AnnotationError) as error:
        read_labelled_people(path, min_height=150)
    for part in [str(path), *parts]:
        assert part in str(error.value)


def test_no_file_and_no_json(tmp_path):
    with pytest.raises(FileNotFoundError, match='nowhere.json'):
        read_labelled_people(tmp_path / 'nowhere.json')
    (tmp_path / 'a.json').write_text('{')
    with pytest.raises(AnnotationError, match='not a readable JSON file'):
        read_labelled_people(tmp_path / 'a.json')
