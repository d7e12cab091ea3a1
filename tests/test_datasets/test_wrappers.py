"""Sets of several kinds of files are one set, as long as they agree in the body."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
from mmengine.dataset import ConcatDataset as BaseConcatDataset
from mmengine.registry import DATASETS, init_default_scope

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.datasets import ConcatDataset, MixtureSampler, inner_datasets
from deforhmr_mm.datasets.sample_seed import SamplePlace, SeededDataset
from deforhmr_mm.engine import SameBodyHook
from deforhmr_mm.models import BodyMismatchError
from deforhmr_mm.registry import MODELS
from tests.built_loop import BuiltLoop
from tests.tiny_estimator import CONFIG

N = 5
SMALL_PIPELINE = [
    dict(type='LoadImage'),
    dict(type='RandomFlip'),
    dict(type='TopdownAffine', input_size=(48, 64)),
    dict(type='PackMeshInputs'),
]


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('deforhmr_mm')


@pytest.fixture
def people(write, columns):
    """Config of a set of 5 people: people(name, **columns to add)."""

    def call(name, **added):
        path = write(columns | added, f'{name}.npz')
        return dict(
            type='HMRDataset',
            data_root=str(path.parent),
            ann_file=path.name,
            pipeline=SMALL_PIPELINE,
        )

    return call


@pytest.fixture
def keypoints(tmp_path):
    """Config of a COCO file without SMPL labels; 2 people in a.png."""
    pytest.importorskip('xtcocotools.coco')
    one = dict(image_id=1, category_id=1, iscrowd=0, keypoints=[50, 40, 2] * 17)
    content = {
        'images': [dict(id=1, file_name='a.png', width=160, height=120)],
        'categories': [dict(id=1, name='person', keypoints=COCO17)],
        'annotations': [dict(one, id=k, bbox=[10, 10, 60, 80]) for k in (1, 2)],
    }
    (tmp_path / 'coco.json').write_text(json.dumps(content))
    return dict(
        type='CocoMeshDataset',
        data_root=str(tmp_path),
        ann_file='coco.json',
        pipeline=SMALL_PIPELINE,
    )


COCO17 = (
    'nose left_eye right_eye left_ear right_ear left_shoulder right_shoulder '
    'left_elbow right_elbow left_wrist right_wrist left_hip right_hip left_knee '
    'right_knee left_ankle right_ankle'
).split()


def concatenated(*datasets, **options):
    """Built as the runner builds it: by mmengine's registry, in our scope."""
    return DATASETS.build(
        dict(type='ConcatDataset', datasets=list(datasets), **options)
    )


def test_files_with_and_without_a_body(people, keypoints):
    body = SMPL().fingerprint
    mixed = concatenated(
        people('spin'), keypoints, people('open', body_fingerprint=body)
    )
    assert type(mixed) is ConcatDataset and isinstance(mixed, BaseConcatDataset)
    assert len(mixed) == 2 * N + 2
    # What the metric and a feature cache take for the body of all labels.
    assert mixed.metainfo['body_fingerprint'] == body
    assert mixed.metainfo['keypoint_set'] == 'smpl45'
    inside = list(inner_datasets(mixed))
    assert [d.dataset_name for d in inside] == ['spin', 'coco', 'open']
    stated = [d.metainfo['body_fingerprint'] for d in inside]
    assert stated == [None, None, body]

    sampler = MixtureSampler(mixed, weights=[0.5, 0.25, 0.25], seed=0)
    drawn = [mixed._get_ori_dataset_idx(index)[0] for index in sampler]
    assert np.bincount(drawn).tolist() == [6, 3, 3]
    places = [SamplePlace(index, 0, index) for index in range(len(mixed))]
    samples = SeededDataset(mixed, seed=0).__getitems__(places)
    names = [sample['data_samples'].sample_id for sample in samples]
    assert names[::5] == ['spin/0', 'coco/0', 'open/3']


def test_the_hook_compares_each_of_them(people):
    model = MODELS.build(CONFIG)
    own, foreign = model.body_model.fingerprint, 'feedfeed'

    def check(*bodies):
        sets = [people(f'p{i}', **fp(body)) for i, body in enumerate(bodies)]
        mixed = concatenated(*sets, ignore_keys='body_fingerprint')
        runner = SimpleNamespace(model=model, _train_loop=BuiltLoop(mixed))
        runner._val_loop = runner._test_loop = None
        SameBodyHook().before_run(runner)

    def fp(body):
        return {} if body is None else dict(body_fingerprint=body)

    check(None, own)
    with pytest.raises(BodyMismatchError, match='labels of p1 .* body feedfeed'):
        check(None, foreign)


def test_two_bodies_are_refused_unless_asked_for(people):
    sets = [people('a', body_fingerprint='one'), people('b')]
    sets.append(people('c', body_fingerprint='two'))
    with pytest.raises(ValueError, match=r'bodies one \(set 0\), two \(set 2\)'):
        concatenated(*sets)
    mixed = concatenated(*sets, ignore_keys=['body_fingerprint'])
    assert mixed.metainfo['body_fingerprint'] is None
    assert len(mixed) == 3 * N


def test_other_keys_must_agree(people):
    other = dict(people('b'), metainfo=dict(keypoint_set='coco17'))
    with pytest.raises(ValueError, match='does not match meta information'):
        concatenated(people('a'), other)
    assert len(concatenated(people('a'), other, ignore_keys='keypoint_set')) == 2 * N


def test_annotations_can_be_read_later(people):
    sets = [people('a'), people('b', body_fingerprint='one')]
    mixed = concatenated(*(dict(one, lazy_init=True) for one in sets), lazy_init=True)
    assert 'body_fingerprint' not in mixed.metainfo
    mixed.full_init()
    assert mixed.metainfo['body_fingerprint'] == 'one'


def test_concatenations_in_concatenations(people):
    inner = dict(type='ConcatDataset', datasets=[people('a'), people('b')])
    named = people('c', body_fingerprint='one')
    repeated = dict(type='RepeatDataset', times=2, dataset=named)
    mixed = concatenated(inner, repeated)
    assert len(mixed) == 4 * N and mixed.metainfo['body_fingerprint'] == 'one'
    assert [d.dataset_name for d in inner_datasets(mixed)] == ['a', 'b', 'c']
