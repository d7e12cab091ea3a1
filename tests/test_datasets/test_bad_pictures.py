"""Pictures that are missing or damaged."""

import numpy as np
import pytest
from mmengine.dataset import pseudo_collate, worker_init_fn
from torch.utils.data import DataLoader

from deforhmr_mm.datasets import HMRDataset, transforms
from deforhmr_mm.datasets.mesh_dataset import TooManyBadImagesError

PIPELINE = [
    transforms.LoadImage(),
    transforms.TopdownAffine(),
    transforms.PackMeshInputs(),
]


@pytest.fixture
def dataset(columns, write):
    """Five people, in a.png, b.png, b.png, sub/c.png and a.png."""
    path = write(columns)

    def build(**kwargs):
        root = str(path.parent)
        return HMRDataset(path.name, data_root=root, pipeline=PIPELINE, **kwargs)

    return build


def names(data, count):
    return [data[i % 5]['data_samples'].img_path[-5:] for i in range(count)]


def test_another_sample_takes_the_place(dataset, tmp_path, logged):
    data = dataset()
    (tmp_path / 'a.png').unlink()
    (tmp_path / 'sub' / 'c.png').write_bytes(b'')
    np.random.seed(0)
    assert names(data, 20) == ['b.png'] * 20
    messages = logged.of('WARNING')
    assert len(messages) == 2  # one for each picture, though they came up often
    assert 'people: picture 1 of at most 100' in messages[0]
    assert f'{tmp_path}/a.png does not exist' in messages[0]
    assert 'picture 2 of at most 100' in messages[1]
    assert f'{tmp_path}/sub/c.png is empty' in messages[1]


def test_whole_pictures_are_left_alone(dataset, logged):
    expected = ['a.png', 'b.png', 'b.png', 'c.png', 'a.png']
    assert names(dataset(), 5) == expected
    assert logged.of('WARNING') == []


def test_too_many_bad_pictures_end_the_run(dataset, tmp_path):
    data = dataset(max_bad_images=1)
    for name in ('a.png', 'sub/c.png'):
        (tmp_path / name).write_bytes(b'hello')
    data.max_refetch = 0
    # mmengine finds no other sample in no attempt; the count goes on.
    with pytest.raises(Exception, match='Cannot find valid image'):
        data[0]
    data[1]
    with pytest.raises(TooManyBadImagesError) as caught:
        data[3]
    message = str(caught.value)
    assert '2 pictures could not be read' in message
    assert 'max_bad_images is 1' in message
    assert f'The first picture was {tmp_path}/a.png' in message
    assert f'the last: The picture {tmp_path}/sub/c.png cannot be decoded' in message


def test_the_same_bad_picture_counts_once(dataset, tmp_path):
    data = dataset(max_bad_images=2)
    (tmp_path / 'sub' / 'c.png').unlink()
    for _ in range(10):
        assert data.prepare_data(3) is None
        assert data.prepare_data(0) is not None


def test_a_wrong_folder_fails_fast(dataset, columns):
    """There are fewer pictures than may be bad, so attempts in a row are counted."""
    data = dataset(data_prefix=dict(img='elsewhere'), max_bad_images=20)
    calls = []
    data.pipeline.transforms.insert(0, lambda results: calls.append(1) or results)
    with pytest.raises(
        TooManyBadImagesError, match="data_root=.*/elsewhere'"
    ) as caught:
        data[0]
    assert len(calls) == 21
    assert 'last 21 attempts failed' in str(caught.value)
    assert 'elsewhere/a.png' in str(caught.value)


def test_no_bad_picture_allowed(dataset, tmp_path):
    (tmp_path / 'a.png').unlink()
    with pytest.raises(TooManyBadImagesError, match='1 pictures could not be read'):
        dataset(max_bad_images=0)[0]
    with pytest.raises(ValueError, match='max_bad_images must be at least 0.*-1'):
        dataset(max_bad_images=-1)


def test_an_error_when_testing(dataset, tmp_path):
    data = dataset(test_mode=True)
    (tmp_path / 'a.png').unlink()
    (tmp_path / 'b.png').write_bytes(b'')
    with pytest.raises(FileNotFoundError, match='a.png does not exist'):
        data[0]
    with pytest.raises(transforms.ImageReadError, match='b.png is empty'):
        data[1]


def test_other_errors_are_not_swallowed(dataset):
    def fail(results):
        raise ValueError('something else')

    data = dataset()
    data.pipeline.transforms.append(fail)
    with pytest.raises(ValueError, match='something else'):
        data[0]


def test_workers_draw_the_same_samples_again(dataset, tmp_path):
    data = dataset()
    (tmp_path / 'a.png').unlink()

    def init(worker):
        worker_init_fn(worker, num_workers=2, rank=0, seed=3)

    def run():
        loader = DataLoader(
            data,
            batch_size=2,
            num_workers=2,
            collate_fn=pseudo_collate,
            worker_init_fn=init,
        )
        return [s.sample_id for batch in loader for s in batch['data_samples']]

    first = run()
    assert first == run()
    assert first[1:4] == ['people/1', 'people/2', 'people/3']
    assert {first[0], first[4]} <= {'people/1', 'people/2', 'people/3'}
