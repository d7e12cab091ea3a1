import torch
import torch.nn.functional as F
from mmengine.runner import amp
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


def test_a_cpu_model_is_trained_on_a_machine_with_a_gpu(monkeypatch):
    monkeypatch.setattr(amp, 'get_device', lambda: 'cuda')
    model = nn.Linear(4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = BFloat16OptimWrapper(optimizer=optimizer)
    with wrapper.optim_context(model):
        assert model(torch.randn(8, 4)).dtype == torch.bfloat16


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


class OwnAttention(nn.Linear):
    """Attention of some tokens to themselves."""

    def forward(self, tokens):
        mapped = super().forward(tokens)
        return F.scaled_dot_product_attention(mapped, mapped, mapped)


def attention_gradient(within, model):
    model.zero_grad()
    with within:
        output = model(torch.ones(2, 3, 5, 8))
    names = set()
    waiting = [output.grad_fn]
    while waiting:
        node = waiting.pop()
        names.add(node.name())
        waiting += [before for before, _ in node.next_functions if before]
    return {name for name in names if 'ScaledDotProduct' in name}


def test_on_a_cpu_attention_is_not_fused():
    model = OwnAttention(8, 8)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    wrapper = BFloat16OptimWrapper(optimizer=optimizer)
    autocast = torch.autocast('cpu', dtype=torch.bfloat16)
    # What the switch is for, and that the test would see it.
    assert attention_gradient(autocast, model)
    assert not attention_gradient(wrapper.optim_context(model), model)
    assert attention_gradient(autocast, model), 'the switch was left off'
