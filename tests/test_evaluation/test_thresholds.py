import numpy as np
import pytest
import torch

from deforhmr_mm.evaluation import auc, pck


@pytest.mark.parametrize('batch', [(), (3,), (2, 3), (0,)])
def test_against_counting(batch):
    rng = np.random.default_rng(0)
    distances = rng.uniform(0, 200, (*batch, 17))
    share, area = pck(distances, 150), auc(distances, 150)
    assert share.shape == area.shape == batch
    for at in np.ndindex(*batch):
        counts = [
            100 * sum(d <= limit for d in distances[at]) / 17
            for limit in np.arange(31) * 5
        ]
        assert share[at] == pytest.approx(counts[-1])
        assert area[at] == pytest.approx(sum(counts) / 31)
    tensors = torch.from_numpy(distances)
    torch.testing.assert_close(pck(tensors, 150), torch.as_tensor(share))
    torch.testing.assert_close(auc(tensors, 150), torch.as_tensor(area))


def test_thresholds_are_checked():
    with pytest.raises(ValueError, match='positive number, got 0'):
        pck(np.zeros(3), 0)
    with pytest.raises(ValueError, match='positive number, got -1'):
        auc(np.zeros(3), -1)
    with pytest.raises(ValueError, match='at least 2, got 1'):
        auc(np.zeros(3), 150, steps=1)
