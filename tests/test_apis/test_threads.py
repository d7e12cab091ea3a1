"""One model for several threads, as in a web service."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import get_ident

import numpy as np
import torch
from mmengine.registry import DefaultScope

from deforhmr_mm.apis import inference_topdown, init_model


def test_threads_may_share_a_model(tiny_model, monkeypatch):
    model = init_model(*tiny_model)
    rng = np.random.default_rng(0)
    images = list(rng.integers(0, 256, (8, 60, 80, 3), dtype=np.uint8))
    swap, inside = DefaultScope.overwrite_default_scope, []

    @contextmanager
    def one_at_a_time(scope):
        # mmengine copies and replaces what all threads look into.
        inside.append(get_ident())
        assert len(set(inside)) == 1
        time.sleep(0.01)
        with swap(scope):
            yield
        inside.pop()

    def recover(image):
        (sample,) = inference_topdown(model, image)
        return sample.pred_instances.vertices

    alone = [recover(image) for image in images]
    monkeypatch.setattr(DefaultScope, 'overwrite_default_scope', one_at_a_time)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(recover, images))
    for one, other in zip(alone, together, strict=True):
        torch.testing.assert_close(one, other)
    assert (together[0] - together[1]).abs().max() > 1e-4
