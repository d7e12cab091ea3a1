import numpy as np
import pytest

from deforhmr_mm.datasets import AnnotationError
from deforhmr_mm.datasets.readers import read_spin_npz
from deforhmr_mm.structures import get_keypoint_set

SMPL45 = get_keypoint_set('smpl45')
SPIN24 = get_keypoint_set('spin24')
OPENPOSE25 = get_keypoint_set('openpose25')


def test_columns_are_read(columns, write):
    labels = read_spin_npz(write(columns))
    assert len(labels) == 5
    assert labels.image_names == tuple(columns['imgname'])
    np.testing.assert_allclose(labels.center, columns['center'], rtol=1e-6)
    side = columns['scale'] * 200
    np.testing.assert_allclose(labels.scale[:, 1], side, rtol=1e-6)
    np.testing.assert_allclose(labels.scale[:, 0], 0.75 * side, rtol=1e-6)
    assert labels.genders == ('male', 'female', 'female', 'neutral', 'male')
    np.testing.assert_array_equal(labels.has_smpl, [1, 1, 0, 1, 1])
    expected = columns['pose'].reshape(5, 24, 3)
    np.testing.assert_allclose(labels.pose[0], expected[0], rtol=1e-6)
    assert not labels.pose[2].any() and not labels.betas[2].any()


def test_what_is_not_there_is_unknown(columns, write):
    for key in ('part', 'openpose', 'S', 'gender', 'has_smpl', 'pose', 'shape'):
        del columns[key]
    labels = read_spin_npz(write(columns))
    assert not labels.keypoints.any() and not labels.joints_3d.any()
    assert not labels.has_smpl.any()
    assert np.isnan(labels.transl).all() and np.isnan(labels.focal_length).all()
    assert np.isnan(labels.principal_point).all()
    assert set(labels.genders) == {'neutral'}
    assert (labels.person_ids == -1).all()
    assert labels.body_fingerprint is None


def test_cliff_s_and_our_keys(columns, write):
    columns.update(
        global_t=np.arange(15.0).reshape(5, 3),
        transl=np.arange(15.0).reshape(5, 3) + 1,
        focal_l=np.arange(5.0) + 500,
        principal_point=np.arange(10.0).reshape(5, 2),
        person_id=np.arange(5) + 7,
        body_fingerprint='0123456789abcdef',
    )
    labels = read_spin_npz(write(columns))
    np.testing.assert_array_equal(labels.pelvis, columns['global_t'])
    np.testing.assert_array_equal(labels.transl, columns['transl'])
    np.testing.assert_array_equal(labels.focal_length, columns['focal_l'])
    np.testing.assert_array_equal(labels.principal_point, columns['principal_point'])
    np.testing.assert_array_equal(labels.person_ids, columns['person_id'])
    assert labels.body_fingerprint == '0123456789abcdef'


def test_a_pose_without_has_smpl_counts(columns, write):
    del columns['has_smpl']
    assert read_spin_npz(write(columns)).has_smpl.all()


def test_joints_are_matched_by_name(columns, write):
    columns['part'][1, SPIN24.index('left_knee'), 2] = 0
    labels = read_spin_npz(write(columns))
    for index, name in enumerate(SMPL45.names):
        seen, known = labels.keypoints[:, index], labels.joints_3d[:, index]
        if name in SPIN24.names:
            source = columns['part'][:, SPIN24.index(name)].copy()
            if name == 'left_knee':
                source[1] = columns['openpose'][1, OPENPOSE25.index(name)]
            truth = columns['S'][:, SPIN24.index(name)]
            np.testing.assert_allclose(known, truth, rtol=1e-6)
        else:
            assert not known.any()
            if name in OPENPOSE25.names:
                source = columns['openpose'][:, OPENPOSE25.index(name)]
            else:
                source = np.zeros((5, 3))
        np.testing.assert_allclose(seen, source, rtol=1e-6)


def test_forms_that_files_come_in(columns, write):
    plain = read_spin_npz(write(columns))
    columns['imgname'] = columns['imgname'].astype('S')
    columns['gender'] = columns['gender'].astype(object)
    columns['pose'] = columns['pose'].reshape(5, 24, 3)
    columns['scale'] = columns['scale'][:, None]
    columns['has_smpl'] = columns['has_smpl'].astype(bool)
    other = read_spin_npz(write(columns, 'other.npz'))
    assert other.image_names == plain.image_names
    assert other.genders == plain.genders
    for name in ('pose', 'scale', 'has_smpl'):
        np.testing.assert_array_equal(getattr(other, name), getattr(plain, name))


def test_scale_unit_is_detected(columns, write, logged):
    over_200 = read_spin_npz(write(columns))
    columns['scale'] = columns['scale'] * 200
    in_pixels = read_spin_npz(write(columns, 'pixels.npz'))
    told = [text for _, text in logged if "'scale' taken as" in text]
    assert [text.split()[-1] for text in told] == ['200.', 'pixels.']
    np.testing.assert_allclose(in_pixels.scale, over_200.scale, rtol=1e-6)
    forced = read_spin_npz(write(columns, 'pixels.npz'), '200px', 1.5)
    np.testing.assert_allclose(forced.scale, 300 * over_200.scale, rtol=1e-6)
    with pytest.raises(ValueError, match="'200px' or 'px', but is 'cm'"):
        read_spin_npz(write(columns), 'cm')


def test_one_gender_for_all_is_doubted(columns, write, logged):
    columns['gender'][:] = 'm'
    read_spin_npz(write(columns))
    (warning,) = logged.of('WARNING')
    assert 'male in all 5 rows' in warning


def without(key):
    return lambda columns: columns.pop(key)


def replace(key, value):
    return lambda columns: columns.__setitem__(key, value)


def spoil(key, row):
    return lambda columns: columns[key].__setitem__(row, np.nan)


@pytest.mark.parametrize(
    ('change', 'parts'),
    [
        (without('imgname'), ["no key 'imgname'", 'has: S, center']),
        (without('center'), ["no key 'center'"]),
        (without('shape'), ["'pose' but no 'shape'"]),
        (replace('pose', np.zeros((5, 66))), ["'pose'", '(5, 24, 3)', '(5, 66)']),
        (replace('shape', np.zeros((4, 10))), ["'shape'", '(5, 10)', '(4, 10)']),
        (replace('part', np.zeros((5, 3, 24, 1, 2))), ["'part'", '(5, 24, 3)']),
        (replace('center', np.array(['x'] * 5)), ["'center'", 'numbers', '<U1']),
        (replace('imgname', np.zeros(5)), ["'imgname'", '5 strings', 'float64']),
        (replace('imgname', np.array([None] * 5)), ["'imgname'", '5 strings']),
        (replace('center', np.array([None] * 5)), ["'center'", 'pickled']),
        (replace('S', np.full((5, 24, 4), 900.0)), ["'S'", 'metres', 'row 0', '900']),
        (replace('scale', np.zeros((5, 3))), ["'scale'", '(5,)', '(5, 3)']),
        (replace('person_id', np.zeros(5)), ["'person_id'", '5 integers']),
        (replace('body_fingerprint', np.zeros(1)), ["'body_fingerprint'", 'string']),
        (replace('scale', np.zeros(5)), ["'scale'", 'positive', 'row 0']),
        (spoil('center', 3), ["'center'", 'finite', '1 rows', 'row 3']),
        (spoil('pose', 1), ["'pose'", 'finite', 'row 1']),
    ],
)
def test_wrong_columns_are_named(columns, write, change, parts):
    change(columns)
    path = write(columns)
    with pytest.raises(AnnotationError) as error:
        read_spin_npz(path)
    for part in (str(path), *parts):
        assert part in str(error.value)


def test_nan_where_there_is_no_label_is_no_error(columns, write):
    columns['pose'][2] = np.nan
    assert not read_spin_npz(write(columns)).pose[2].any()


def test_bad_files(columns, write, tmp_path):
    with pytest.raises(FileNotFoundError, match='open_body'):
        read_spin_npz(tmp_path / 'no.npz')
    data = write(columns).read_bytes()
    for name, content in (('cut', data[:-100]), ('empty', b''), ('text', b'hello')):
        path = tmp_path / f'{name}.npz'
        path.write_bytes(content)
        with pytest.raises(AnnotationError, match=name):
            read_spin_npz(path)
    with open(tmp_path / 'single.npz', 'wb') as file:
        np.save(file, np.zeros(3))
    with pytest.raises(AnnotationError, match='single array'):
        read_spin_npz(tmp_path / 'single.npz')


def test_labels_cannot_be_changed(columns, write):
    labels = read_spin_npz(write(columns))
    with pytest.raises(ValueError, match='read-only'):
        labels.pose[0] = 1
