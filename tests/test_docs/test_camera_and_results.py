"""What docs/camera.md and docs/results.md show is what comes out."""

import doctest
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest
import roma

from deforhmr_mm.apis import inference_topdown, init_model
from deforhmr_mm.apis.results import (
    CONVENTIONS,
    SCHEMA_VERSION,
    describe_model,
    encode_json,
    encode_motion_npz,
    person_result,
)
from deforhmr_mm.apis.results.schema import PICTURE_COLUMNS, VIDEO_COLUMNS
from deforhmr_mm.structures import Motion, PersonMotion

ROOT = Path(__file__).resolve().parents[2]
CAMERA = (ROOT / 'docs' / 'camera.md').read_text(encoding='utf-8')
RESULTS = (ROOT / 'docs' / 'results.md').read_text(encoding='utf-8')


def run_blocks(text, name):
    """Run a page's Python blocks, one after the other, as one doctest."""
    blocks = re.findall(r'```python\n(.*?)```', text, re.S)
    source = '\n'.join(blocks)
    test = doctest.DocTestParser().get_doctest(source, {}, name, None, 0)
    assert len(test.examples) >= 8
    lines = []
    failed, _ = doctest.DocTestRunner(verbose=False).run(test, out=lines.append)
    assert not failed, ''.join(lines)


def test_the_camera_page_says_what_its_code_gives():
    run_blocks(CAMERA, 'camera.md')


def test_its_tables_are_those_that_the_command_prints():
    path = ROOT / 'tools' / 'analysis_tools' / 'draw_camera.py'
    spec = importlib.util.spec_from_file_location('draw_camera', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    printed = list(module.tables(module.sample_people()))
    assert sum('px' in line for line in printed) == 9
    for line in filter(None, printed):
        numbers = re.findall(r'\d+\.\d', line)
        if not numbers:
            assert line in CAMERA
            continue
        start = line[: line.index(numbers[0])]
        (shown,) = (row for row in CAMERA.splitlines() if row.startswith(start))
        # Another processor may round the last digit otherwise.
        np.testing.assert_allclose(
            [float(n) for n in re.findall(r'\d+\.\d', shown)],
            [float(n) for n in numbers],
            atol=0.11,
        )


def test_the_picture_is_small_enough():
    assert (ROOT / 'docs' / 'camera.png').stat().st_size < 200_000


@pytest.fixture
def files(tiny_model, tmp_path, monkeypatch):
    """The files that docs/results.md opens: two people, and two in a video."""
    model = init_model(tiny_model.config, tiny_model.weights)
    about = describe_model(model)
    picture = np.random.default_rng(0).integers(0, 256, (240, 320, 3), np.uint8)
    boxes = [[20, 30, 100, 200], [150, 20, 260, 220]]
    samples = inference_topdown(model, picture, boxes, focal_length=500.0)
    image = {'path': 'photo.jpg', 'height': 240, 'width': 320}
    people = [person_result(sample) for sample in samples]
    (tmp_path / 'photo.json').write_bytes(encode_json(people, image, about))

    def person(person_id, frames):
        count = len(frames)
        return PersonMotion(
            person_id=person_id,
            frames=np.array(frames),
            global_orient=roma.random_rotmat(count).numpy(),
            body_pose=roma.random_rotmat((count, 23)).numpy(),
            betas=np.zeros(10, np.float32),
            transl=np.tile(np.float32([0, 0, 5]), (count, 1)),
            bboxes=np.zeros((count, 4), np.float32),
            bbox_scores=np.ones(count, np.float32),
            observed=np.ones(count, bool),
        )

    walkers = (person(4, [0, 1, 4, 5]), person(1, [4, 5]))
    motion = Motion(25.0, 7, (240, 320), 500.0, (159.5, 119.5), walkers)
    video = {'path': 'clip.mp4', 'focal_length_source': 'given'}
    data = encode_motion_npz(motion, model.body_model, video, about)
    (tmp_path / 'clip.npz').write_bytes(data)
    monkeypatch.chdir(tmp_path)
    return people


def test_the_results_page_says_what_its_code_gives(files):
    run_blocks(RESULTS, 'results.md')


def test_every_key_is_explained(files):
    keys = {*files[0], *files[0]['smpl'], *CONVENTIONS, *PICTURE_COLUMNS}
    keys |= set(VIDEO_COLUMNS)
    keys -= {'camera_frame', 'rotations', 'pixels'}  # in words
    words = set(re.findall(r'`(\w+)`', RESULTS))
    assert keys <= words, f'not in docs/results.md: {sorted(keys - words)}'


def test_the_version_is_that_of_the_code():
    assert f'Schema version **{SCHEMA_VERSION}**' in RESULTS
