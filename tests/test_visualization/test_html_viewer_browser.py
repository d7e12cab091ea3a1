"""Pages in a real browser, opened from disk without a network."""

import base64
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from deforhmr_mm.body_models import SMPL
from deforhmr_mm.structures import Motion, PersonMotion
from deforhmr_mm.visualization import (
    PALETTE,
    MeshRenderer,
    encode_still_page,
    encode_video_page,
)
from tests.browser import Browser, find_browser

pytestmark = pytest.mark.skipif(
    find_browser() is None, reason='needs Chromium or Chrome on PATH'
)
FOCAL = 900.0
# Pixels of the canvas right after it is drawn, as an RGBA picture.
SNAPSHOT = "viewer.stage.render(), viewer.stage.canvas.toDataURL('image/png')"


@pytest.fixture(scope='module')
def browser(tmp_path_factory):
    browser = Browser(tmp_path_factory.mktemp('profile'))
    yield browser
    browser.close()


@pytest.fixture(scope='module')
def body():
    return SMPL()


def walk(person_id, frames, start, stop):
    """Somebody who goes from one place to another, swinging arms and legs."""
    time = np.linspace(0, 1, len(frames))
    pose = np.zeros((len(frames), 23, 3))
    pose[:, 0, 0] = 0.6 * np.sin(9 * time)
    pose[:, 1, 0] = -0.6 * np.sin(9 * time)
    pose[:, 15, 2], pose[:, 16, 2] = -1.1, 1.1
    upright = Rotation.from_euler('xy', [180, 40], degrees=True).as_matrix()
    return PersonMotion(
        person_id=person_id,
        frames=np.array(frames),
        global_orient=np.repeat(upright[None], len(frames), 0).astype(np.float32),
        body_pose=Rotation.from_rotvec(pose.reshape(-1, 3))
        .as_matrix()
        .reshape(-1, 23, 3, 3)
        .astype(np.float32),
        betas=np.full(10, 0.4, np.float32),
        transl=np.linspace(start, stop, len(frames)).astype(np.float32),
        bboxes=np.zeros((len(frames), 4), np.float32),
        bbox_scores=np.ones(len(frames), np.float32),
        observed=np.ones(len(frames), bool),
    )


def pose(body, person, row):
    """Vertices of one frame, straight from the body."""
    return (
        body(
            torch.from_numpy(person.global_orient[row][None, None].copy()),
            torch.from_numpy(person.body_pose[row][None].copy()),
            torch.from_numpy(person.betas)[None],
            torch.from_numpy(person.transl[row])[None],
        )
        .vertices[0]
        .numpy()
    )


@pytest.fixture(scope='module')
def people(body):
    return [
        pose(body, walk(0, [0], (-0.5, 0.2, 4), (0, 0, 0)), 0),
        pose(body, walk(1, [0], (0.6, 0.1, 5.5), (0, 0, 0)), 0),
    ]


def make_still(folder, body, meshes, image, center):
    path = folder / 'still.html'
    path.write_bytes(
        encode_still_page('still', image, meshes, body.faces, FOCAL, center)
    )
    return path


def snapshot(page):
    """(H, W, 4) uint8 RGBA of the canvas."""
    data = base64.b64decode(page.evaluate(SNAPSHOT).split(',')[1])
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return cv2.cvtColor(image, cv2.COLOR_BGRA2RGBA)


def rendered(page, body, meshes, center):
    """The same meshes by the ray caster, in the pixels of the page's canvas."""
    rect = SimpleNamespace(**page.evaluate('viewer.stage.pictureRect()'))
    width = page.evaluate('viewer.stage.view.width')
    size = page.evaluate('[viewer.stage.canvas.height, viewer.stage.canvas.width]')
    scale = rect.width / width
    moved = [
        scale * (center[0] + 0.5) + rect.left - 0.5,
        scale * (center[1] + 0.5) + rect.top - 0.5,
    ]
    return rect, MeshRenderer(occlusion=False).render(
        meshes, body.faces, scale * FOCAL, moved, tuple(size)
    )


def middle(cover):
    """Centroid (y, x) of a picture's weights."""
    return [(axis * cover).sum() / cover.sum() for axis in np.indices(cover.shape)]


@pytest.mark.parametrize(
    'picture, center',
    [((500, 700), (349.5, 249.5)), ((900, 450), (300, 380)), ((300, 1200), (420, 160))],
    ids=['plain', 'tall, off-centre', 'wide, off-centre'],
)
def test_the_camera_view_is_the_pictures(
    browser, body, people, tmp_path, picture, center
):
    image = np.full((*picture, 3), 60, np.uint8)
    page = browser.open(make_still(tmp_path, body, people, image, center), (1200, 760))
    page.evaluate('viewer.setFloor(false)')
    drawn = snapshot(page)
    rect, expected = rendered(page, body, people, center)
    cover, truth = drawn[..., 3] / 255, expected.rgba()[..., 3] / 255
    assert truth.mean() > 0.01
    assert np.minimum(cover, truth).sum() / np.maximum(cover, truth).sum() > 0.98
    # No shift that a mistaken pixel centre would make.
    np.testing.assert_allclose(middle(cover), middle(truth), atol=0.15)
    # The light is that of the rendered pictures, and so are the colours of people.
    both = (cover == 1) & (truth == 1)
    difference = drawn[both][:, :3].astype(int) - expected.rgba()[both][:, :3]
    assert np.abs(difference).mean() < 2

    # Over the picture: what the window shows is the renderer's overlay.
    page.evaluate('viewer.setOverlay(true), viewer.setLook({opacity: 0.5})')
    page.evaluate('new Promise(done => requestAnimationFrame(() => setTimeout(done)))')
    place = page.evaluate(
        '(({left, top}) => [left, top])(viewer.stage.canvas.getBoundingClientRect())'
    )
    window = cv2.imdecode(np.frombuffer(page.screenshot(), np.uint8), 1)[..., ::-1]
    shown = window[int(place[1]) :, int(place[0]) :][: drawn.shape[0], : drawn.shape[1]]
    back = np.full_like(shown, 60)
    overlay = expected.overlay(back, 0.5)
    inside = np.zeros(truth.shape, bool)
    inside[
        int(rect.top) + 9 : int(rect.top + rect.height) - 9,
        int(rect.left) + 9 : int(rect.left + rect.width) - 9,
    ] = True
    assert np.abs(shown[inside].astype(int) - overlay[inside]).mean() < 1.5
    corner = shown[int(rect.top) + 12, int(rect.left) + 12]
    np.testing.assert_allclose(corner, 60, atol=2)

    assert page.complaints() == []
    assert page.requests() == []
    page.close()


def test_controls_turn_zoom_move_and_hide(browser, body, people, tmp_path):
    image = np.full((500, 700, 3), 60, np.uint8)
    page = browser.open(make_still(tmp_path, body, people, image, (349.5, 249.5)))
    left, top, width, height = page.evaluate(
        '(r => [r.left, r.top, viewer.stage.canvas.clientWidth,'
        ' viewer.stage.canvas.clientHeight])'
        '(viewer.stage.canvas.getBoundingClientRect())'
    )
    x, y = left + width / 2, top + height / 2

    def state():
        values = page.evaluate('viewer.stage.orbit.state')
        return values[:2], np.array(values[2:5]), np.array(values[5:])

    def drag(button, dx, dy):
        buttons = {'left': 1, 'right': 2}[button]
        common = {'button': button, 'buttons': buttons, 'clickCount': 1}
        page.mouse('mousePressed', x, y, **common)
        page.mouse('mouseMoved', x + dx, y + dy, **common)
        page.mouse('mouseReleased', x + dx, y + dy, **common)

    turns, pivot, offset = state()
    assert turns == [0, 0]
    np.testing.assert_allclose(pivot + offset, 0, atol=1e-9)

    drag('left', 100, 40)
    turned, same_pivot, same_offset = state()
    angle = np.pi / height
    np.testing.assert_allclose(turned, [-100 * angle, 40 * angle], atol=1e-6)
    np.testing.assert_array_equal((pivot, offset), (same_pivot, same_offset))
    # The horizon stays level: the camera's x axis has no vertical part.
    assert page.evaluate(
        'viewer.stage.render(), viewer.stage.camera.matrixWorld.elements[1]'
    ) == pytest.approx(0, abs=1e-7)
    pressed = "[...document.querySelectorAll('[aria-pressed=true][data-view]')].length"
    assert page.evaluate(pressed) == 0

    page.mouse('mouseWheel', x, y, deltaX=0, deltaY=-200)
    _, _, nearer = state()
    np.testing.assert_allclose(nearer, offset * np.exp(-0.24), rtol=1e-6)

    # What lies at the pivot's depth follows the pointer.
    page.evaluate("viewer.setView('front')")
    _, pivot, offset = state()
    drag('right', 30, -50)
    turns, moved, _ = state()
    metre = offset[2] * 2 * np.tan(np.pi / 12) / height
    np.testing.assert_allclose(moved - pivot, [-30 * metre, -50 * metre, 0], atol=1e-6)
    assert turns == [0, 0]

    # Two fingers that part come nearer, about as far as the space between them grows.
    def touch(kind, *places):
        points = [{'x': x + dx, 'y': y, 'id': i} for i, dx in enumerate(places)]
        page.send('Input.dispatchTouchEvent', type=kind, touchPoints=points)

    _, pivot, offset = state()
    touch('touchStart', -40, 40)
    touch('touchMove', -80, 80)
    touch('touchEnd')
    turns, moved, nearer = state()
    np.testing.assert_allclose(nearer, offset / 2, rtol=1e-6)
    np.testing.assert_allclose(moved, pivot, atol=0.02 * offset[2])
    assert turns == [0, 0]

    # Each view shows both people whole; hidden ones are not drawn.
    page.evaluate('viewer.setFloor(false)')
    for view in ('front', 'side', 'top'):
        page.evaluate(f"viewer.setView('{view}')")
        alpha = snapshot(page)[..., 3]
        assert (alpha > 0).mean() > 0.03
        assert not alpha[[0, -1]].any() and not alpha[:, [0, -1]].any()
    page.evaluate('viewer.setPerson(0, false)')
    seen = snapshot(page)
    color = seen[seen[..., 3] == 255][:, :3].mean(0)
    yellow = np.array(PALETTE[1])
    assert np.corrcoef(color, yellow)[0, 1] > 0.99
    page.evaluate('viewer.setPerson(1, false)')
    assert not snapshot(page).any()
    page.evaluate('viewer.setPerson(1, true), viewer.setLook({wireframe: true})')
    assert 0 < (snapshot(page)[..., 3] > 0).sum()
    assert page.complaints() == []
    page.close()


def test_nobody_and_narrow_windows(browser, body, tmp_path):
    image = np.full((40, 30, 3), (200, 80, 40), np.uint8)
    path = make_still(tmp_path, body, [], image, (14.5, 19.5))
    page = browser.open(path, (340, 700), 'dark')
    assert page.evaluate('document.documentElement.scrollWidth') <= 340
    assert 'Nobody' in page.evaluate("document.getElementById('people').textContent")
    # The camera of this picture looks above the floor.
    for view, floor in (('camera', False), ('front', True), ('top', True)):
        page.evaluate(f"viewer.setView('{view}')")
        assert snapshot(page)[..., 3].any() == floor
    assert page.complaints() == []
    page.close()


@pytest.fixture(scope='module')
def video(body, tmp_path_factory):
    """Two people, one of them late; each frame's picture is of its own grey."""
    first = walk(3, range(12), (-1, 0.2, 4), (1, 0.2, 4))
    late = walk(8, [4, 5, 6, 9, 10], (1, 0.2, 6), (-1, 0.2, 5))
    motion = Motion(25, 12, (360, 640), FOCAL, (310, 190), (first, late))
    frames = [np.full((360, 640, 3), 20 * i, np.uint8) for i in range(12)]
    path = tmp_path_factory.mktemp('video') / 'video.html'
    path.write_bytes(encode_video_page('walk', frames, motion, body))
    return SimpleNamespace(path=path, people=(first, late), frames=frames)


def picture_grey(page):
    return page.evaluate(
        "document.getElementById('picture').getContext('2d')"
        '.getImageData(9, 9, 1, 1).data[0]'
    )


def vertices(page, index):
    return np.reshape(
        page.evaluate(f'Array.from(viewer.people[{index}].positions)'), (-1, 3)
    )


def test_picture_and_people_move_together(browser, body, video):
    page = browser.open(video.path, fragment='#frame=1')
    first, late = video.people
    expected = pose(body, first, 1) * (1, -1, -1)
    np.testing.assert_allclose(vertices(page, 0), expected, atol=1e-4)
    assert picture_grey(page) == pytest.approx(20, abs=2)
    assert page.evaluate('viewer.people.map(p => p.present)') == [True, False]
    before = snapshot(page)

    page.evaluate('viewer.setFrame(9)')
    for index, person, row in ((0, first, 9), (1, late, 3)):
        expected = pose(body, person, row) * (1, -1, -1)
        np.testing.assert_allclose(vertices(page, index), expected, atol=1e-4)
    assert picture_grey(page) == pytest.approx(180, abs=2)
    page.evaluate('viewer.setFloor(false)')
    after = snapshot(page)
    assert (before != after).any(-1).mean() > 0.02
    _, drawn = rendered(
        page, body, [pose(body, first, 9), pose(body, late, 3)], (310, 190)
    )
    silhouette, covered = drawn.rgba()[..., 3] > 127, after[..., 3] > 127
    assert (covered & silhouette).sum() / (covered | silhouette).sum() > 0.985

    page.evaluate('viewer.setFrame(8)')
    assert page.evaluate(
        "[...document.querySelectorAll('.person')].map(c => c.className)"
    ) == ['person', 'person absent']
    assert page.complaints() == []
    assert page.requests() == []
    page.close()


def test_frames_of_a_long_video_are_asked_for_by_their_numbers(
    browser, body, video, tmp_path
):
    motion = Motion(25, 12, (360, 640), FOCAL, (310, 190), video.people)
    path = tmp_path / 'long.html'
    path.write_bytes(encode_video_page('walk', video.frames, motion, body, stride=4))
    page = browser.open(path, fragment='#frame=8')
    number = "document.getElementById('frame-number').value"
    assert 'Frame 8 / 8' in page.evaluate(number)
    assert picture_grey(page) == pytest.approx(160, abs=2)
    # One that is left out gives the shown one before it.
    page.evaluate('viewer.setFrame(7)')
    assert 'Frame 4 / 8' in page.evaluate(number)
    page.evaluate('viewer.setFrame(99)')
    assert 'Frame 8 / 8' in page.evaluate(number)
    page.close()


def test_keys_and_playing(browser, video):
    page = browser.open(video.path)
    page.key('ArrowRight', 'ArrowRight', 39)
    page.key('ArrowRight', 'ArrowRight', 39)
    page.key('ArrowLeft', 'ArrowLeft', 37)
    page.evaluate('viewer.player.busy')
    assert page.evaluate('viewer.player.frame') == 1
    page.key(' ', 'Space', 32, ' ')
    assert page.evaluate('viewer.player.playing')
    seen = page.evaluate(
        # Until several rounds of 0.48 s are seen, however few pictures a busy machine
        # draws of each.
        'new Promise(done => { const seen = [], end = performance.now() + 20000;'
        ' const isBack = (frame, at) => at && frame < seen[at - 1];'
        ' const look = () => { seen.push(viewer.player.frame);'
        ' const enough = seen.filter(isBack).length > 2 && new Set(seen).size > 3;'
        ' if (performance.now() < end && !enough) requestAnimationFrame(look);'
        ' else done(seen); }; look(); })'
    )
    # Forwards, and from the start again after the end.
    steps = np.diff(seen)
    assert len(set(seen)) > 3
    assert (steps < 0).any() and (steps > 0).sum() >= (steps < 0).sum()
    page.key(' ', 'Space', 32, ' ')
    assert not page.evaluate('viewer.player.playing')

    page.evaluate('viewer.setFrame(10)')
    end = page.evaluate(
        'viewer.player.loop = false, viewer.player.play(), new Promise(done => {'
        ' const look = () => { if (viewer.player.playing) setTimeout(look, 20);'
        ' else viewer.setFrame(viewer.player.wanted).then(() => done('
        '[viewer.player.frame, viewer.player.playing])); }; look(); })'
    )
    assert end == [11, False]
    assert 'Frame 11 / 11' in page.evaluate(
        "document.getElementById('frame-number').value"
    )
    assert page.complaints() == []
    page.close()


def test_bodies_with_pose_blend_shapes_come_as_vertices(browser, tmp_path):
    body = SMPL()
    generator = torch.Generator().manual_seed(0)
    body.posedirs = 0.02 * torch.randn(207, 3 * body.num_vertices, generator=generator)
    person = walk(0, [0, 2], (0, 0.2, 4), (0.3, 0.2, 4))
    motion = Motion(25, 3, (90, 160), 200, (79.5, 44.5), (person,))
    frames = [np.zeros((90, 160, 3), np.uint8)] * 3
    path = tmp_path / 'video.html'
    path.write_bytes(encode_video_page('v', frames, motion, body))
    page = browser.open(path)
    page.evaluate('viewer.setFrame(2)')
    expected = pose(body, person, 1) * (1, -1, -1)
    np.testing.assert_allclose(vertices(page, 0), expected, atol=1e-4)
    page.close()
