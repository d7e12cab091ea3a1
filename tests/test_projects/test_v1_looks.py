import numpy as np
import pytest

pytest.importorskip('embreex', reason='rendering needs embreex')

from synthetic.body import Body  # noqa: E402
from synthetic.garments import measure  # noqa: E402
from synthetic_v1.bank import bank, make_cloth, sample_plane  # noqa: E402
from synthetic_v1.colours import cloth_colour, hsv, palette  # noqa: E402
from synthetic_v1.light import Lamp, Light, shade  # noqa: E402
from synthetic_v1.paint import paint, unwrap  # noqa: E402
from synthetic_v1.places import Plane, paint_place  # noqa: E402
from synthetic_v1.sprites import paste  # noqa: E402
from synthetic_v1.things import ball, box, rod  # noqa: E402
from synthetic_v1.tiles import KINDS  # noqa: E402
from synthetic_v1.wardrobe import sample_look  # noqa: E402


@pytest.fixture(scope='module')
def body(smpl_data):
    return Body(smpl_data)


@pytest.fixture(scope='module')
def looks(body):
    return [
        sample_look(np.random.default_rng([5, seed]), body, measure(body))
        for seed in range(40)
    ]


def area(mesh):
    corners = mesh.vertices[mesh.faces]
    sides = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.linalg.norm(np.cross(*sides), axis=1).sum() / 2


def test_things_have_their_sizes():
    assert area(box(np.array([1.0, 2.0, 3.0]))) == pytest.approx(22)
    np.testing.assert_allclose(np.ptp(box([1, 2, 3]).vertices, axis=0), [1, 2, 3])
    tube = rod([0, 0, 0], [0, 0, 2], 0.5)
    assert area(tube) == pytest.approx(2 * 16 * 0.5 * np.sin(np.pi / 8), rel=1e-6)
    centre = np.array([1.0, 2.0, 3.0])
    sphere = ball(centre, np.full(3, 0.7))
    away = np.linalg.norm(sphere.vertices - centre, axis=1)
    np.testing.assert_allclose(away, 0.7)


def test_tiles_repeat_and_hold_shares_and_a_brightness():
    assert set(bank()) == set(KINDS)
    rng = np.random.default_rng(0)
    places = rng.uniform(0, 1, (50, 2)).astype(np.float32)
    for kind, tiles in bank().items():
        assert len(tiles) == KINDS[kind][1]
        for levels in tiles:
            assert (levels[0][..., :2] >= 0).all() and (levels[0][..., :2] <= 1).all()
            values = sample_plane(levels[0], places)
            np.testing.assert_allclose(
                sample_plane(levels[0], places - 3), values, atol=0.02
            )


def test_a_plain_cloth_has_one_colour_and_a_fine_one_blurs_with_distance():
    rng = np.random.default_rng(0)
    colours = np.array([[0.2, 0.4, 0.6], [0.9, 0.9, 0.9], [0.1, 0.1, 0.1]])
    places = rng.uniform(0, 5, (2000, 2))
    plain = make_cloth(rng, None, colours, 1.0)
    np.testing.assert_array_equal(plain(places, 0.01), np.tile(colours[0], (2000, 1)))
    cloth = make_cloth(rng, 'grass', colours, 0.5)
    near, far = cloth(places, 0.001), cloth(places, 0.1)
    np.testing.assert_allclose(near.mean(axis=0), far.mean(axis=0), atol=0.05)
    assert far.std() < near.std()


def test_colours():
    np.testing.assert_allclose(hsv(0, 1, 1), [1, 0, 0])
    np.testing.assert_allclose(hsv(1 / 3, 1, 0.5), [0, 0.5, 0])
    np.testing.assert_allclose(hsv(0.7, 0, 0.4), 0.4)
    rng = np.random.default_rng(0)
    first = cloth_colour(rng)
    shades = palette(rng, first, 1.0)
    np.testing.assert_array_equal(shades[0], first)
    assert ((shades >= 0.02) & (shades <= 0.98)).all()


def test_looks_vary_and_cover_what_people_cover(body, looks):
    m = measure(body)
    chest, crown = np.array([[0.05, m.chest_y, 0.1]]), np.array([[0.0, 0.55, 0.05]])
    assert sum(look.hat is not None for look in looks) > 5
    assert sum(bool(look.pieces) for look in looks) > 15
    assert len({tuple(look.cloths['top'].colours[0]) for look in looks}) > 30
    for look in looks:
        masks = look.masks(np.concatenate([chest, crown, m.nose[None]]))
        assert masks['top'][0]
        assert not masks['hair'][2]
        if look.hat:
            assert masks['hat'][1] and not masks['hat'][2]
        thick = look.thickness(body.template)
        assert (thick > -0.01).all() and thick.max() < 0.2
        dress = look.dress(body)
        tags = look.coordinates(body)[:, 3]
        assert len(tags) == len(body.template) + len(dress.extra)
        assert tags.max() == len(look.pieces)
        np.testing.assert_allclose(dress.weights.sum(axis=1), 1, atol=1e-6)


def test_every_point_is_painted(body, looks):
    for look in looks:
        surface = paint(look, look.coordinates(body), 0.005)
        assert np.isfinite(surface.colour).all()
        assert surface.colour.min() >= 0.01 and surface.colour.max() <= 1
        assert np.abs(surface.height).max() < 0.1


def test_cloth_wraps_round_limbs(looks):
    knee = looks[0].measures.knee_y
    angle = np.linspace(-3, 3, 7)
    ring = np.column_stack(
        [0.13 + 0.08 * np.sin(angle), 0 * angle + knee, 0.08 * np.cos(angle)]
    )
    places = unwrap(looks[0], ring)
    np.testing.assert_allclose(np.diff(places[:, 0]), 0.08, atol=1e-9)
    np.testing.assert_allclose(places[:, 1], knee)


def test_light_follows_the_cosine_and_shadows_take_the_first_lamp():
    up, slant = np.array([0.0, -1.0, 0.0]), np.array([0.0, -0.5, -np.sqrt(0.75)])
    lamp = Lamp(up, np.full(3, 2.0), 0.0, True)
    light = Light('sun', (lamp,), np.zeros(3), np.zeros(3), up, 0.0)
    np.testing.assert_allclose(
        light.on(np.stack([up, slant, -up])), [[2] * 3, [1] * 3, [0] * 3]
    )
    np.testing.assert_allclose(light.on(up, 0.25), 0.5)
    colour, view = np.full((2, 3), 0.5), np.tile([0.0, 0.0, 1.0], (2, 1))
    lit, seen = np.array([1.0, 0.0]), np.ones(2)
    shaded = shade(
        colour, np.zeros(2), np.stack([slant, slant]), view, light, lit, seen
    )
    np.testing.assert_allclose(shaded, [[0.5] * 3, [0] * 3], atol=1e-6)


def test_the_ground_fills_the_picture_below_the_horizon():
    from synthetic.camera import Camera

    camera = Camera(40, 30, 30.0, np.array([20.0, 15.0]), np.diag([1.0, -1.0, -1.0]))
    sky = Light('cloudy', (), np.full(3, 1.0), np.full(3, 1.0), camera.up, 1.0)
    red = make_cloth(
        np.random.default_rng(0), None, np.tile([0.9, 0.01, 0.01], (3, 1)), 1.0
    )
    ground = Plane(np.array([0.0, 1.0, 0.0]), 1.5, np.inf, red)
    picture = paint_place(np.random.default_rng(0), camera, sky, [ground])
    assert picture.shape == (30, 40, 3) and picture.dtype == np.float32
    reddish = picture[..., 0] > 2 * picture[..., 1]
    assert reddish[-5:].all() and not reddish[:10].any()


def test_a_camera_below_the_ground_sees_none_of_it():
    from synthetic.camera import Camera

    camera = Camera(40, 30, 30.0, np.array([20.0, 15.0]), np.diag([1.0, -1.0, -1.0]))
    sky = Light('cloudy', (), np.full(3, 1.0), np.full(3, 1.0), camera.up, 1.0)
    rng = np.random.default_rng(0)
    red = make_cloth(rng, None, np.tile([0.9, 0.01, 0.01], (3, 1)), 1.0)
    ground = Plane(np.array([0.0, 1.0, 0.0]), -1.5, np.inf, red)
    picture = paint_place(rng, camera, sky, [ground])
    assert np.isfinite(picture).all()
    assert not (picture[..., 0] > 10 * picture[..., 1]).any()


def test_sprites_are_put_where_their_corners_say():
    picture = np.zeros((20, 30, 3), dtype=np.float32)
    sprite = np.ones((8, 8, 4), dtype=np.float32)
    sprite[:, :4, 3] = 0  # the left half is see-through
    corners = np.array([[4, 5], [23, 5], [23, 14], [4, 14]])
    cover = paste(picture, sprite, corners)
    assert cover[10, 20] == pytest.approx(1) and picture[10, 20, 0] == pytest.approx(1)
    assert cover[10, 7] == 0 and picture[10, 7, 0] == 0
    assert cover[:5].max() == 0 and cover[16:].max() == 0
