import pytest
import torch

from deforhmr_mm.models.necks import FeatureMapNeck


def test_map_is_clipped_enlarged_and_put_into_a_tuple():
    row = torch.tensor([[-4.0, 0.0, 8.0]])  # its ReLU: 0, 0, 8
    (found,) = FeatureMapNeck(2.0, apply_relu=True)(row[None, None])
    # Cell centres lie at 0.25 and 0.75 of the old ones.
    expected = torch.tensor([0.0, 0.0, 0.0, 2.0, 6.0, 8.0])
    torch.testing.assert_close(found, expected.expand(1, 1, 2, 6))


def test_by_default_the_map_is_what_it_was():
    features = torch.randn(2, 3, 4, 5)
    (found,) = FeatureMapNeck()(features)
    assert found is features


def test_a_factor_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match='scale_factor must be positive, got 0'):
        FeatureMapNeck(0)
