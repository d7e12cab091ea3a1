import pytest
import torch
from mmengine.config import Config

from deforhmr_mm.engine.checkpoints import CheckpointError
from deforhmr_mm.engine.feature_cache import (
    CacheMismatchError,
    FeatureCacheWriter,
    describe_encoder,
    encoder_weights,
    weights_fingerprint,
    with_encoder,
    without_encoder,
)
from tests.test_engine.test_feature_cache.small_cache import manifest_of

ENCODER = {'last_norm.weight': torch.ones(3), 'blocks.0': torch.arange(4.0).view(2, 2)}
WHOLE = {
    'head.tokens': torch.zeros(2),
    **{f'backbone.{name}': value for name, value in ENCODER.items()},
}
REMEMBERED = 'backbone.encoder_fingerprint'


def test_one_fingerprint_for_the_same_weights():
    expected = weights_fingerprint(ENCODER)
    assert len(bytes.fromhex(expected)) == 32
    assert weights_fingerprint(dict(reversed(ENCODER.items()))) == expected
    assert weights_fingerprint(encoder_weights(WHOLE)) == expected
    # These values are the same in half precision.
    halves = {name: value.half() for name, value in ENCODER.items()}
    assert weights_fingerprint(halves) == expected


@pytest.mark.parametrize(
    'change',
    [
        {'last_norm.weight': torch.tensor([1, 1, 1 + 1e-6])},
        {'blocks.0': torch.arange(4.0)},
        {'more': torch.zeros(1)},
    ],
)
def test_another_fingerprint_for_others(change):
    assert weights_fingerprint({**ENCODER, **change}) != weights_fingerprint(ENCODER)


def test_encoders_of_another_precision_are_told_apart(write):
    config = Config(dict(model=dict(backbone=dict(type='ViT', frozen=True))))
    encoder = torch.nn.Linear(2, 3)
    said = {
        precision: describe_encoder(config, encoder, precision)
        for precision in ('float32', 'bfloat16')
    }
    assert describe_encoder(config, encoder) == said['float32']
    assert {**said['bfloat16'], 'precision': 'float32'} == said['float32']
    folder = write(encoder=said['float32'])
    assert not FeatureCacheWriter(
        folder, manifest_of(encoder=said['float32'])
    ).pending()
    with pytest.raises(CacheMismatchError, match='precision.*float32.*bfloat16'):
        FeatureCacheWriter(folder, manifest_of(encoder=said['bfloat16']))


def test_out_and_in_again():
    head = without_encoder(WHOLE)
    assert head.keys() == {'head.tokens', REMEMBERED}
    remembered = bytes(head[REMEMBERED].tolist()).hex()
    assert remembered == weights_fingerprint(ENCODER)
    for encoder in (ENCODER, WHOLE):
        again = with_encoder(head, encoder)
        assert again.keys() == WHOLE.keys()
        assert all(again[name] is value for name, value in WHOLE.items())
    assert encoder_weights(head) == {}


def test_what_does_not_go_together():
    head = without_encoder(WHOLE)
    with pytest.raises(CheckpointError, match='but this one is'):
        with_encoder(head, {**ENCODER, 'last_norm.weight': torch.zeros(3)})
    with pytest.raises(CheckpointError, match='an encoder of its own'):
        with_encoder(WHOLE, ENCODER)
    with pytest.raises(CheckpointError, match='no encoder'):
        without_encoder(head)
    # A head that has never seen a cache takes any.
    unknown = {**head, REMEMBERED: torch.zeros(32, dtype=torch.uint8)}
    assert with_encoder(unknown, ENCODER).keys() == WHOLE.keys()
