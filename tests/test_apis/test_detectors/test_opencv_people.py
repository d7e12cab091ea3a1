"""OpenCV's people detector, by a stand-in where the installed one has none."""

import cv2
import numpy as np
import pytest

from deforhmr_mm.apis.detectors import OpenCVPeopleDetector, PersonDetector
from deforhmr_mm.apis.detectors.opencv_people import SEARCH_SIDE


class StandInHOG:
    """Finds one window at (100, 40), twice the size of the learnt, and a worse one."""

    seen = None

    def setSVMDetector(self, weights):
        assert weights == 'weights of people'

    def detectMultiScale(self, image, *settings):
        StandInHOG.seen = image
        windows = np.array([[104, 40, 128, 256], [100, 40, 128, 256]], np.int32)
        return windows, np.array([-1.0, 1.0])


@pytest.fixture
def stand_in(monkeypatch):
    monkeypatch.setattr(cv2, 'HOGDescriptor', StandInHOG, raising=False)
    monkeypatch.setattr(
        cv2,
        'HOGDescriptor_getDefaultPeopleDetector',
        lambda: 'weights of people',
        raising=False,
    )


def test_windows_lose_their_margin_and_grow_back(stand_in):
    detector = OpenCVPeopleDetector()
    assert isinstance(detector, PersonDetector)
    bboxes, scores = detector(np.zeros((1000, 1600, 3), np.uint8))
    assert StandInHOG.seen.shape == (SEARCH_SIDE * 1000 // 1600, SEARCH_SIDE, 3)
    # A margin of 16 px of 64 x 128 is 32 px of 128 x 256; all times 1600 / 800.
    assert bboxes.tolist() == [[264, 144, 392, 528]]
    assert scores.tolist() == pytest.approx([1 / (1 + np.exp(-1.0))])


def test_small_pictures_are_searched_enlarged(stand_in):
    bboxes, _ = OpenCVPeopleDetector()(np.zeros((200, 100, 3), np.uint8))
    assert StandInHOG.seen.shape == (SEARCH_SIDE, SEARCH_SIDE // 2, 3)
    np.testing.assert_allclose(bboxes, [[33, 18, 49, 66]])


def test_pictures_thinner_than_a_window_have_nobody(stand_in):
    for size in ((9, 1000), (1000, 9)):
        bboxes, scores = OpenCVPeopleDetector()(np.zeros((*size, 3), np.uint8))
        assert (bboxes.shape, scores.shape) == ((0, 4), (0,))


def test_an_opencv_without_it_is_said(monkeypatch):
    monkeypatch.delattr(cv2, 'HOGDescriptor', raising=False)
    assert not OpenCVPeopleDetector.is_available()
    with pytest.raises(ImportError, match='opencv-contrib-python-headless'):
        OpenCVPeopleDetector()


def test_the_real_one_sees_nobody_in_a_plain_picture():
    if not OpenCVPeopleDetector.is_available():
        pytest.skip('this OpenCV has no people detector')
    for size in ((480, 640), (1, 1), (64, 32)):
        bboxes, scores = OpenCVPeopleDetector()(np.full((*size, 3), 90, np.uint8))
        assert (bboxes.shape, scores.shape) == ((0, 4), (0,))
