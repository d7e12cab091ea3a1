"""Names, configs and nothing lead to the right detector."""

import numpy as np
import pytest
from mmengine.config import Config

from deforhmr_mm.apis.detectors import (
    Detections,
    OpenCVPeopleDetector,
    WholeImage,
    build_detector,
    building,
    default_detector,
)


@pytest.fixture
def fresh_default():
    default_detector.cache_clear()
    yield
    default_detector.cache_clear()


@pytest.mark.parametrize('has_opencv', [True, False])
def test_default_is_said_once(logged, fresh_default, monkeypatch, has_opencv):
    class StandIn(WholeImage):
        name = 'a stand-in'

        @staticmethod
        def is_available():
            return has_opencv

    monkeypatch.setattr(building, 'OpenCVPeopleDetector', StandIn)
    first, second = build_detector(), build_detector(None)
    assert first is second
    assert type(first) is (StandIn if has_opencv else WholeImage)
    ((level, line),) = logged
    assert first.name in line and 'det_model' in line
    assert level == ('INFO' if has_opencv else 'WARNING')
    # The three ways out of one body over the whole picture.
    for way in ('--bbox', 'mmdet', 'callable'):
        assert (way in line) is not has_opencv


def test_by_name():
    assert type(build_detector('whole_image')) is WholeImage
    if OpenCVPeopleDetector.is_available():
        assert type(build_detector('opencv')) is OpenCVPeopleDetector
    else:
        with pytest.raises(ImportError, match='without its people detector'):
            build_detector('opencv')


def test_own_detectors_are_taken_as_they_are():
    class Mine:
        name = 'mine'

        def __call__(self, image):
            return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32))

    mine = Mine()
    assert build_detector(mine) is mine
    nameless = lambda image: mine(image)  # noqa: E731
    assert build_detector(nameless) is nameless
    with pytest.raises(TypeError, match='det_model must be .* is of type int'):
        build_detector(3)


def test_a_config_that_mmdet_brings(monkeypatch):
    pytest.importorskip('mmdet')
    calls = []
    monkeypatch.setattr(building, 'MMDetDetector', lambda *a, **k: calls.append(a))
    build_detector('mmdet::rtmdet/rtmdet_tiny_8xb32-300e_coco.py', 'a.pth')
    config, weights, *_ = calls[0]
    assert config.model.type == 'RTMDet' and weights == 'a.pth'
    with pytest.raises(FileNotFoundError, match="no config 'mmdet::rtmdet/none.py'"):
        build_detector('mmdet::rtmdet/none.py')


def test_configs_go_to_mmdet(monkeypatch, tmp_path):
    calls = []
    monkeypatch.setattr(building, 'MMDetDetector', lambda *a, **k: calls.append((a, k)))
    path = tmp_path / 'det.py'
    path.write_text('')
    build_detector(str(path), 'a.pth', 'cuda:1', 0.4, None, 'car')
    cfg = Config({'model': {}})
    build_detector(cfg)
    assert calls == [
        ((str(path), 'a.pth', 'cuda:1', 0.4, None), {'category': 'car'}),
        ((cfg, None, 'cpu', 0.3, 0.65), {'category': 'person'}),
    ]


def test_what_fits_nothing_is_said():
    with pytest.raises(FileNotFoundError, match=r"config 'none\.py'.*'whole_image'"):
        build_detector('none.py')
    for det_model in (None, 'whole_image', WholeImage()):
        with pytest.raises(ValueError, match="det_weights='a.pth' need the mmdet"):
            build_detector(det_model, 'a.pth')
