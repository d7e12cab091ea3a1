import numpy as np
import pytest

from deforhmr_mm.structures import decode_metainfo, encode_metainfo


def test_types_and_bits_come_back():
    rng = np.random.default_rng(0)
    metainfo = dict(
        img_path='sub/ö "x"\n.jpg',
        img_id=2**40,
        flip=True,
        nothing=None,
        focal_length=0.1 + 0.2,
        unknown=float('nan'),
        ori_shape=(480, 640),
        names=['a', 'b'],
        input_center=rng.normal(size=2).astype(np.float32),
        affine=rng.normal(size=(2, 3)),
        order=np.array([3, 1], dtype=np.int64),
    )
    line = encode_metainfo(metainfo)
    assert b'\n' not in line
    again = decode_metainfo(line)
    assert again.keys() == metainfo.keys()
    for key, value in metainfo.items():
        assert type(again[key]) is type(value), key
        if isinstance(value, np.ndarray):
            assert again[key].dtype == value.dtype
            assert again[key].tobytes() == value.tobytes()
        elif key != 'unknown':
            assert again[key] == value
    assert np.isnan(again['unknown'])


def test_numpy_numbers_become_plain_ones():
    line = encode_metainfo(dict(score=np.float32(0.5), size=(np.int64(3), 4)))
    again = decode_metainfo(line)
    assert again == dict(score=0.5, size=(3, 4))
    assert type(again['size'][0]) is int


def test_the_order_of_keys_makes_no_difference():
    assert encode_metainfo(dict(a=1, b=2)) == encode_metainfo(dict(b=2, a=1))


@pytest.mark.parametrize(
    'value', [{1}, dict(a=1), [np.zeros(2)], object(), np.array(['x'])]
)
def test_other_values_are_refused_by_name(value):
    with pytest.raises(TypeError, match="'odd' must be text"):
        encode_metainfo(dict(odd=value))
