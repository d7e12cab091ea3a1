"""What docs/evaluation.md shows is what is printed, and it has every protocol."""

import re
from pathlib import Path

import pytest
import torch

from deforhmr_mm.evaluation import PROTOCOLS, MeshMetric
from tests.toy_body import ToyBody, make_sample, score

TEXT = (Path(__file__).resolve().parents[2] / 'docs' / 'evaluation.md').read_text(
    encoding='utf-8'
)
LIMBS = [1, 2, 4, 5, 7, 8, *range(16, 22)]


@pytest.fixture
def printed(monkeypatch):
    """Line that is printed of two people, with the page's brackets for what varies."""

    def call(protocol, labelled, body_name):
        body = ToyBody()
        body.body_name = body_name
        samples = [make_sample(body, seed, labelled) for seed in range(2)]
        for sample in samples:
            conf = torch.zeros(1, 45)
            conf[:, LIMBS] = 1
            sample.gt_instances.joints_3d = torch.randn(1, 45, 3)
            sample.gt_instances.joints_3d_conf = conf
        lines = []
        monkeypatch.setattr(MeshMetric, '_log', staticmethod(lines.append))
        score(MeshMetric(body, protocol=protocol), samples)
        return re.sub(r'\([0-9a-f]{16}\)', '(…)', lines[0])

    return call


def test_the_lines_are_those_that_are_printed(printed):
    blocks = re.findall(r'```\n(MeshMetric .*?)```', TEXT, re.S)
    shown = [
        re.sub(r'on \S+ bodies', 'on 2 bodies', ' '.join(b.split())) for b in blocks
    ]
    assert shown == [
        printed('smpl24', True, 'open_body'),
        printed('h36m14', False, 'SMPL_NEUTRAL'),
    ]


def test_every_protocol_is_in_the_table():
    table = TEXT.split('## Protocols')[1].split('Options change')[0]
    named = re.findall(r'`(\w+)`', ' '.join(re.findall(r'^\|([^|]*)\|', table, re.M)))
    assert named == list(PROTOCOLS)
