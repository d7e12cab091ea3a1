"""The renderer against areas, depths and orders that are known without it."""

import numpy as np
import pytest
import trimesh

from deforhmr_mm.visualization import MeshRenderer, renderer
from deforhmr_mm.visualization.renderer import projected_box
from deforhmr_mm.visualization.shading import PALETTE, vertex_normals, vertex_openness

QUAD_FACES = np.array([[0, 1, 2], [0, 2, 3]])


def quad(x0, y0, x1, y1, depth, focal=100.0, center=(32.0, 24.0)):
    """A rectangle that projects to these continuous pixel coordinates."""
    pixels = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
    xy = (pixels - center) * depth / focal
    return np.column_stack([xy, np.full(4, depth)])


def draw(meshes, faces=QUAD_FACES, size=(48, 64), **kwargs):
    settings = dict(edge_samples=4, occlusion=False) | kwargs
    return MeshRenderer(**settings).render(meshes, faces, 100.0, (32.0, 24.0), size)


def full(rendered, name):
    """One of the rendering's arrays, in the frame of the whole picture."""
    part = getattr(rendered, name)
    out = np.zeros((*rendered.image_size, *part.shape[2:]), part.dtype)
    x0, y0, x1, y1 = rendered.box
    out[y0:y1, x0:x1] = part
    return out


def test_pixel_centres_are_at_integers():
    # [9.5, 20] covers the pixels 10 ... 19 and half of pixel 20.
    coverage = full(draw(quad(9.5, 4.5, 20.0, 8.5, 3.0)), 'coverage')
    expected = np.zeros((48, 64))
    expected[5:9, 10:20] = 1
    expected[5:9, 20] = 0.5
    np.testing.assert_allclose(coverage, expected)


def test_sphere_has_its_analytic_outline_and_depth():
    sphere = trimesh.creation.icosphere(subdivisions=5)
    mesh = sphere.vertices + (0, 0, 5)
    rendered = MeshRenderer(edge_samples=4).render(
        mesh, sphere.faces, 200.0, (60.0, 50.0), (101, 121)
    )
    radius = 200.0 / np.sqrt(5**2 - 1)
    np.testing.assert_allclose(rendered.coverage.sum(), np.pi * radius**2, rtol=2e-3)
    assert rendered.full_depth()[50, 60] == pytest.approx(4.0, abs=1e-3)


def test_depth_of_a_tilted_plane():
    # z = 4 + x, so the ray through pixel u meets it at z = 4 / (1 - (u - cx) / f).
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * 1.5
    mesh = np.column_stack([corners, 4 + corners[:, 0]])
    depth = draw(mesh).full_depth()[24]
    u = np.arange(20, 45)
    np.testing.assert_allclose(depth[u], 4 / (1 - (u - 32) / 100), rtol=1e-5)


@pytest.mark.parametrize('order', [(0, 1), (1, 0)])
def test_nearer_people_hide_those_behind(order):
    meshes = [quad(10, 10, 30, 30, 2.0), quad(20, 10, 40, 30, 3.0)]
    rendered = draw([meshes[i] for i in order])
    person = full(rendered, 'person')
    near, far = order.index(0), order.index(1)
    assert person[20, 25] == near and person[20, 15] == near and person[20, 35] == far
    assert rendered.full_depth()[20, 25] == pytest.approx(2.0, abs=1e-4)


def test_only_the_pixels_that_people_cover_are_drawn():
    rendered = draw(quad(100, 200, 140, 290, 2.0), size=(9000, 12000))
    x0, y0, x1, y1 = rendered.box
    assert 0 <= 100 - x0 <= 2 and 0 <= x1 - 140 <= 3
    assert 0 <= 200 - y0 <= 2 and 0 <= y1 - 290 <= 3


def test_nothing_in_view():
    behind, beside = quad(10, 10, 20, 20, -2.0), quad(100, 10, 120, 20, 2.0)
    image = np.full((48, 64, 3), 7, np.uint8)
    for meshes in (behind, beside, []):
        rendered = draw(meshes)
        assert rendered.box == (0, 0, 0, 0)
        np.testing.assert_array_equal(rendered.overlay(image), image)
        assert np.isinf(rendered.full_depth()).all() and not rendered.rgba().any()


def test_a_mesh_around_the_camera_can_cover_everything():
    mesh = np.array([[-1, -1, -1], [1, -1, -1], [1, 1, 3], [-1, 1, 3]])
    assert projected_box([mesh], 100.0, (32, 24), (48, 64)) == (0, 0, 64, 48)
    assert np.isfinite(draw(mesh).color).all()


def test_large_pictures_in_parts_are_the_same(monkeypatch):
    sphere = trimesh.creation.icosphere(subdivisions=3)
    whole = draw(sphere.vertices + (0, 0, 4), sphere.faces)
    monkeypatch.setattr(renderer, '_RAYS_PER_CALL', 130)
    parts = draw(sphere.vertices + (0, 0, 4), sphere.faces)
    for name in ('color', 'coverage', 'depth', 'person'):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))


def test_overlay_blends_and_leaves_the_picture_alone():
    rendered = draw(quad(9.5, 4.5, 20.0, 8.5, 3.0))
    image = np.full((48, 64, 3), 100, np.uint8)
    opaque, half = rendered.overlay(image, 1.0), rendered.overlay(image, 0.5)
    assert (image == 100).all()
    color = 255 * full(rendered, 'color')[6, 15]
    np.testing.assert_allclose(opaque[6, 15], color, atol=0.51)
    np.testing.assert_allclose(half[6, 15], (color + 100) / 2, atol=0.51)
    np.testing.assert_allclose(opaque[6, 20], (color + 100) / 2, atol=1)
    opaque[4:10, 8:22] = 100
    assert (opaque == 100).all()


def test_people_have_colours_of_their_own():
    rendered = draw([quad(5, 10, 15, 30, 2.0), quad(20, 10, 30, 30, 2.0)])
    color = full(rendered, 'color')
    for pixel, expected in ((10, PALETTE[0]), (25, PALETTE[1])):
        seen = color[20, pixel] / color[20, pixel].max()
        np.testing.assert_allclose(seen, np.divide(expected, max(expected)), atol=0.05)


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        (dict(vertices=np.full((4, 3), np.nan)), 'vertices of mesh 0 hold NaN'),
        (dict(vertices=np.zeros((4, 2))), r'mesh 0 has shape \(4, 2\)'),
        (dict(faces=np.array([[0, 1, 4]])), 'index the 4 vertices'),
        (dict(faces=np.zeros((2, 4), int)), r'faces must be \(F, 3\)'),
        (dict(focal_length=0.0), 'focal_length must be positive'),
        (dict(principal_point=(np.nan, 1)), 'principal_point'),
        (dict(image_size=(0, 4)), 'image_size'),
        (dict(colors=[(1, 0, 0)] * 2), '1 meshes need as many colors'),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = dict(
        vertices=quad(1, 1, 5, 5, 2.0),
        faces=QUAD_FACES,
        focal_length=100.0,
        principal_point=(32, 24),
        image_size=(48, 64),
    )
    with pytest.raises(ValueError, match=message):
        MeshRenderer().render(**(arguments | change))


def test_overlay_needs_the_same_size():
    with pytest.raises(ValueError, match=r'\(48, 64, 3\)'):
        draw(quad(1, 1, 5, 5, 2.0)).overlay(np.zeros((48, 65, 3), np.uint8))


def test_normals_of_a_sphere_are_radial():
    sphere = trimesh.creation.icosphere(subdivisions=3)
    normals = vertex_normals(np.asarray(sphere.vertices), np.asarray(sphere.faces))
    np.testing.assert_allclose(normals, sphere.vertices, atol=2e-2)


def test_creases_are_less_open_than_bulges():
    sphere = trimesh.creation.icosphere(subdivisions=3, radius=0.1)
    faces = np.ascontiguousarray(sphere.faces, np.int32)
    for normals, expected in ((sphere.vertices, 1.0), (-sphere.vertices, 0.5)):
        scene = renderer._Scene(
            [sphere.vertices.astype('f4')], faces, np.ones((1, 3)), occlusion=False
        )
        normals = normals / 0.1
        openness = vertex_openness(scene.embree, sphere.vertices, normals, reach=0.3)
        if expected == 1.0:
            np.testing.assert_allclose(openness, 1.0)
        else:
            # A chord of a sphere of radius r along a cosine-weighted direction has the
            # mean length 4 r / 3.
            np.testing.assert_allclose(openness, 4 * 0.1 / 3 / 0.3, atol=0.05)


def test_openness_is_found_where_rays_look_and_nowhere_else():
    """Of a sphere before the camera, that is the half that it shows."""
    sphere = trimesh.creation.icosphere(subdivisions=3, radius=0.1)
    faces = np.ascontiguousarray(sphere.faces, np.int32)
    vertices = (sphere.vertices + (0, 0, 2)).astype('f4')
    scene = renderer._Scene([vertices], faces, np.ones((1, 3)), occlusion=True)
    assert np.isnan(scene.openness).all()
    ys, xs = np.mgrid[-60:61, -60:61]
    rays = renderer._rays(xs, ys, 1000.0, (0.0, 0.0))
    seen = scene.look(rays, renderer.Shading())
    assert np.isfinite(seen.color).all()
    known = np.isfinite(scene.openness)
    np.testing.assert_allclose(scene.openness[known], 1.0)
    assert known[vertices[:, 2] < 1.98].all() and not known[vertices[:, 2] > 2.02].any()
