"""The detector of torchvision in docs/inference.md, with a stand-in for the network."""

import re
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from deforhmr_mm.apis.box_source import BoxSource
from deforhmr_mm.apis.people_finder import PeopleFinder
from tests.tiny_training import ROOT

PAGE = (ROOT / 'docs' / 'inference.md').read_text(encoding='utf-8')
PICTURE = ROOT / 'demo' / 'samples' / '000034.jpg'
# Two people, an unsure one, and something that is nobody.
FOUND = dict(
    boxes=torch.tensor(
        [[95.0, 228, 235, 416], [180, 141, 392, 424], [0, 0, 50, 50], [9, 9, 70, 80]]
    ),
    labels=torch.tensor([1, 1, 1, 3]),
    scores=torch.tensor([0.9, 0.8, 0.4, 0.9]),
)


class Network(torch.nn.Module):
    """Keeps what it is given; says `FOUND`."""

    def forward(self, pictures):
        self.training_mode, self.pictures = self.training, pictures
        return [FOUND]


@pytest.fixture
def page(monkeypatch):
    """The names of the page's block, which is run but for its last lines."""
    (block,) = re.findall(
        r"### torchvision's detector.*?```python\n(.*?)```", PAGE, flags=re.S
    )
    detection = SimpleNamespace(
        FasterRCNN_ResNet50_FPN_V2_Weights=SimpleNamespace(COCO_V1='coco'),
        fasterrcnn_resnet50_fpn_v2=lambda weights: Network(),
    )
    monkeypatch.setitem(sys.modules, 'torchvision.models.detection', detection)
    # What the block goes on with is the demo's: only its argument is new.
    adapter, _, rest = block.partition('inferencer = ')
    assert 'det_model=find_people' in rest
    names = {}
    exec(compile(adapter, 'docs/inference.md', 'exec'), names)
    return names


def test_the_detector_is_what_the_inferencer_calls(page):
    image = cv2.imread(str(PICTURE))
    finder = PeopleFinder(BoxSource(None, []), lambda: page['find_people'])
    boxes, scores = finder(0, None, image)
    np.testing.assert_array_equal(boxes, FOUND['boxes'][:2])
    np.testing.assert_allclose(scores, [0.9, 0.8])


def test_the_network_is_shown_what_torchvision_asks_for(page):
    image = cv2.imread(str(PICTURE))
    page['find_people'](image)
    network = page['network']
    assert not network.training_mode
    (picture,) = network.pictures
    assert picture.dtype == torch.float32
    rgb = cv2.cvtColor(image, cv2.COLOR_BGR2RGB).transpose(2, 0, 1)
    np.testing.assert_allclose(picture.cpu(), rgb / 255.0, atol=1e-6)
