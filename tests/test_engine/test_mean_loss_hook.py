import json

import torch
from mmengine.dist import get_rank
from mmengine.hooks import RuntimeInfoHook
from mmengine.runner import get_priority

from deforhmr_mm.engine import MeanLossHook, NonFiniteLossHook
from tests.processes import run_ranks


def test_one_process_keeps_its_values():
    outputs = {'loss': torch.tensor(2.0)}
    MeanLossHook().after_train_iter(None, 0, None, outputs)
    MeanLossHook().after_train_iter(None, 0, None, None)
    assert outputs == {'loss': torch.tensor(2.0)}


def run_rank(rank, folder):
    outputs = {'loss': torch.tensor(1.0 + 2 * get_rank()), 'pck': torch.tensor(0.5)}
    MeanLossHook().after_train_iter(None, 0, None, outputs)
    values = {name: value.item() for name, value in outputs.items()}
    (folder / f'{rank}.json').write_text(json.dumps(values))


def test_two_processes_log_their_mean(tmp_path):
    run_ranks(__file__, tmp_path)
    for rank in (0, 1):
        values = json.loads((tmp_path / f'{rank}.json').read_text())
        assert values == {'loss': 2.0, 'pck': 0.5}


def test_between_the_check_and_the_log():
    hooks = (NonFiniteLossHook, MeanLossHook, RuntimeInfoHook)
    order = [get_priority(hook.priority) for hook in hooks]
    assert order == sorted(set(order))
