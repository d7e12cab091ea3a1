import numpy as np
import pytest
import torch

from deforhmr_mm.geometry import (
    crop_affine,
    crop_to_full_translation,
    crop_to_translation,
    default_focal_length,
    full_to_crop_camera,
    image_center,
    perspective_projection,
    projection_gap,
)

FLOAT = torch.float64


def random_points(*batch: int) -> torch.Tensor:
    return torch.rand(*batch, 3, dtype=FLOAT) + torch.tensor([0.0, 0.0, 2.0])


def project_by_matrix(point, fx, fy, center, translation) -> np.ndarray:
    """Slow reference: homogeneous coordinates and an intrinsic matrix."""
    matrix = np.array([[fx, 0, center[0]], [0, fy, center[1]], [0, 0, 1]])
    pixel = matrix @ (point + translation)
    return pixel[:2] / pixel[2]


@pytest.mark.parametrize('batch', [(), (4,), (2, 3)])
@pytest.mark.parametrize('pair', [False, True])
def test_projection_against_intrinsic_matrix(batch, pair):
    points = random_points(*batch, 5)
    focal = 500 + 100 * torch.rand((*batch, 2) if pair else batch, dtype=FLOAT)
    center = 300 * torch.rand(*batch, 2, dtype=FLOAT)
    translation = torch.rand(*batch, 3, dtype=FLOAT)
    pixels = perspective_projection(points, focal, center, translation)
    assert pixels.shape == (*batch, 5, 2)
    for index in np.ndindex(*batch, 5):
        at = index[:-1]
        fx, fy = focal[at].numpy() if pair else (focal[at].item(),) * 2
        expected = project_by_matrix(
            points[index].numpy(), fx, fy, center[at].numpy(), translation[at].numpy()
        )
        np.testing.assert_allclose(pixels[index].numpy(), expected)


def test_focal_length_of_two_images_is_not_taken_for_a_pair():
    points = torch.tensor([[[1.0, 1.0, 1.0]], [[1.0, 1.0, 1.0]]])
    pixels = perspective_projection(points, torch.tensor([10.0, 20.0]), torch.zeros(2))
    torch.testing.assert_close(pixels[:, 0], torch.tensor([[10.0, 10], [20, 20]]))
    pixels = perspective_projection(
        points[0], torch.tensor([10.0, 20.0]), torch.zeros(2)
    )
    torch.testing.assert_close(pixels, torch.tensor([[10.0, 20.0]]))


def test_projection_keeps_dtype_and_takes_empty_batches():
    for dtype in (torch.float32, torch.float64):
        pixels = perspective_projection(
            torch.ones(0, 45, 3, dtype=dtype), 5.0, torch.zeros(2, dtype=dtype)
        )
        assert pixels.shape == (0, 45, 2)
        assert pixels.dtype == dtype


@pytest.mark.parametrize('depth', [-3.0, 0.0, 1e-9])
def test_points_behind_the_camera_stay_finite_and_on_their_side(depth):
    points = torch.tensor([[0.3, -0.2, depth]], requires_grad=True)
    pixels = perspective_projection(points, 100.0, torch.tensor([50.0, 50.0]))
    pixels.sum().backward()
    assert torch.isfinite(points.grad).all()
    assert pixels[0, 0] > 50 > pixels[0, 1]
    nearest = torch.tensor([[0.3, -0.2, 1e-2]])
    expected = perspective_projection(nearest, 100.0, torch.tensor([50.0, 50.0]))
    torch.testing.assert_close(pixels.detach(), expected)


def test_camera_gradients():
    points = random_points(2, 4).requires_grad_()
    camera = (0.5 + torch.rand(2, 3, dtype=FLOAT)).requires_grad_()
    center = 100 * torch.rand(2, 2, dtype=FLOAT)
    height = 50 + 100 * torch.rand(2, dtype=FLOAT)
    focal = 500 + torch.rand(2, dtype=FLOAT)

    def project(points, camera):
        full = crop_to_full_translation(camera, center, height, center + 9, focal)
        return perspective_projection(points, focal, center, full)

    assert torch.autograd.gradcheck(project, (points, camera))
    assert torch.autograd.gradcheck(crop_to_translation, camera)


@pytest.mark.parametrize('batch', [(), (6,), (2, 3), (0,)])
def test_full_camera_is_the_inverse_of_the_crop_camera(batch):
    camera = torch.rand(*batch, 3, dtype=FLOAT) + 0.3
    center = 1000 * torch.rand(*batch, 2, dtype=FLOAT)
    height = 50 + 500 * torch.rand(batch, dtype=FLOAT)
    principal_point = 1000 * torch.rand(*batch, 2, dtype=FLOAT)
    focal = 300 + 2000 * torch.rand(batch, dtype=FLOAT)
    box = (center, height, principal_point, focal)
    full = crop_to_full_translation(camera, *box)
    assert full.shape == (*batch, 3)
    torch.testing.assert_close(full_to_crop_camera(full, *box), camera)


def test_full_translation_is_the_formula():
    s, tx, ty, b, focal = 0.7, 0.1, -0.2, 250.0, 1100.0
    center, principal_point = (700.0, 300.0), (640.0, 360.0)
    expected = [
        tx + 2 * (center[0] - principal_point[0]) / (b * s),
        ty + 2 * (center[1] - principal_point[1]) / (b * s),
        2 * focal / (b * s),
    ]
    full = crop_to_full_translation(
        torch.tensor([s, tx, ty], dtype=FLOAT),
        torch.tensor(center, dtype=FLOAT),
        b,
        torch.tensor(principal_point, dtype=FLOAT),
        focal,
    )
    torch.testing.assert_close(full, torch.tensor(expected, dtype=FLOAT))


def test_crop_camera_puts_the_body_origin_where_the_full_camera_does():
    """Both cameras show the body's origin at the same place of the crop."""
    camera = torch.tensor([0.8, 0.15, -0.1], dtype=FLOAT)
    center = torch.tensor([400.0, 220.0], dtype=FLOAT)
    size = (240.0, 320.0)
    middle = torch.tensor(image_center(1280, 720), dtype=FLOAT)
    full = crop_to_full_translation(camera, center, size[1], middle, 1500.0)
    origin = torch.zeros(1, 3, dtype=FLOAT)
    in_image = perspective_projection(origin, 1500.0, middle, full)[0]
    in_crop = perspective_projection(
        origin,
        5000.0,
        torch.tensor(image_center(192, 256), dtype=FLOAT),
        crop_to_translation(camera),
    )[0]
    matrix = crop_affine(center.numpy(), size, (192, 256))
    np.testing.assert_allclose(matrix @ [*in_image.tolist(), 1.0], in_crop.numpy())


@pytest.mark.parametrize('batch', [(), (6,), (2, 3), (0,)])
def test_projection_gap_is_the_distance_of_the_two_pictures(batch):
    points = 0.5 * torch.randn(*batch, 7, 3, dtype=FLOAT)
    camera = torch.rand(*batch, 3, dtype=FLOAT) + 0.3
    center = 1000 * torch.rand(*batch, 2, dtype=FLOAT)
    height = 200 + 300 * torch.rand(batch, dtype=FLOAT)
    principal_point = 1000 * torch.rand(*batch, 2, dtype=FLOAT)
    focal = 900 + 2000 * torch.rand(batch, dtype=FLOAT)
    gap = projection_gap(points, camera, center, height, principal_point, focal)
    assert gap.shape == (*batch, 7) and gap.dtype == FLOAT
    for at in np.ndindex(*batch, 7):
        person, point = at[:-1], points[at].numpy()
        s, tx, ty = camera[person].numpy()
        b, f = height[person].item(), focal[person].item()
        c, p = center[person].numpy(), principal_point[person].numpy()
        shift = np.array([tx, ty])
        x, y, z = point + [*(shift + 2 * (c - p) / (b * s)), 2 * f / (b * s)]
        full = f * np.array([x, y]) / z + p
        x, y, z = point + [*shift, 2 * 5000 / (256 * s)]
        crop = 5000 * np.array([x, y]) / z * b / 256 + c
        np.testing.assert_allclose(gap[at].item(), np.linalg.norm(full - crop))


def test_projection_gap_vanishes_where_the_cameras_are_one():
    """The body's origin always; all points if box and focal length are the crop's."""
    points = 0.5 * torch.randn(9, 3, dtype=FLOAT)
    points[0] = 0
    camera = torch.tensor([0.8, 0.1, -0.2], dtype=FLOAT)
    middle = torch.tensor([400.0, 300.0], dtype=FLOAT)
    same = projection_gap(points, camera, middle, 512.0, middle, 10_000.0)
    torch.testing.assert_close(same, torch.zeros(9, dtype=FLOAT), atol=1e-9, rtol=0)
    near = projection_gap(points, camera, middle + 200, 512.0, middle, 1000.0)
    assert near[0] < 1e-9 and near[1:].min() > 0.1
    far = projection_gap(points, camera, middle + 200, 512.0, middle, 10_000.0)
    assert (far[1:] < near[1:]).all()


def test_a_whole_crop_camera_unit_is_half_the_box():
    """Scale s shows one metre as s * b / 2 pixels at the body's depth."""
    center = torch.tensor([400.0, 220.0], dtype=FLOAT)
    camera = torch.tensor([0.9, 0.0, 0.0], dtype=FLOAT)
    full = crop_to_full_translation(camera, center, 300.0, center, 1000.0)
    points = torch.tensor([[0.0, 0, 0], [0, 1, 0]], dtype=FLOAT)
    pixels = perspective_projection(points, 1000.0, center, full)
    torch.testing.assert_close(pixels[1, 1] - pixels[0, 1], center.new_tensor(135.0))


def test_wrong_shapes_are_named():
    two, three = torch.zeros(2), torch.zeros(3)
    with pytest.raises(ValueError, match=r'points: expected shape \(\.\.\., 3\)'):
        perspective_projection(torch.zeros(4, 2), 1.0, two)
    with pytest.raises(ValueError, match=r'principal_point'):
        perspective_projection(torch.zeros(4, 3), 1.0, three)
    with pytest.raises(ValueError, match=r'focal_length: expected shape \(\.\.\., 2\)'):
        perspective_projection(torch.zeros(4, 3), torch.ones(3), two)
    with pytest.raises(ValueError, match=r'translation'):
        perspective_projection(torch.zeros(4, 3), 1.0, two, two)
    with pytest.raises(ValueError, match=r'camera'):
        crop_to_translation(two)
    with pytest.raises(ValueError, match=r'center'):
        crop_to_full_translation(three, three, 1.0, two, 1.0)


def test_default_focal_length_is_the_diagonal():
    assert default_focal_length(1920, 1080) == pytest.approx(2202.9, abs=0.01)
