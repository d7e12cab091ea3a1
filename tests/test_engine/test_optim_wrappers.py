import torch
from torch import nn

from deforhmr_mm.engine import BFloat16OptimWrapper


def test_forward_in_bfloat16_weights_in_float32():
    torch.manual_seed(0)
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = BFloat16OptimWrapper(optimizer=optimizer)
    before = model.weight.detach().clone()
    with wrapper.optim_context(model):
        output = model(torch.randn(8, 4))
    assert output.dtype == torch.bfloat16
    wrapper.update_params(output.float().square().mean())
    assert model.weight.dtype == torch.float32
    assert not torch.equal(before, model.weight)
    assert 'loss_scaler' not in wrapper.state_dict()


def test_gradients_are_gathered_over_steps():
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = BFloat16OptimWrapper(optimizer=optimizer, accumulative_counts=2)
    wrapper.initialize_count_status(model, 0, 2)
    before = model.weight.detach().clone()
    changed = []
    for _ in range(2):
        with wrapper.optim_context(model):
            loss = model(torch.ones(8, 4)).square().mean()
        wrapper.update_params(loss)
        changed.append(not torch.equal(before, model.weight))
    assert changed == [False, True]
