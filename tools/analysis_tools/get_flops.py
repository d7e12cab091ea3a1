"""Print a model's parameters and FLOPs by part: python get_flops.py CONFIG.

A FLOP here is a multiply-add, as in mmpose's tool of this name and in most papers: one
for each term of a matrix product (linear layers, attention, einsum) or a convolution,
and four for each value that is sampled bilinearly. Not counted: normalisation,
activations, softmax, additions, the batch dimension (one picture), and the body model,
whose buffers are no parameters either. Nor is an auxiliary head, which only trains.

The formulas are those of torch's ``flop_counter``, with attention in its plain form,
which torch breaks down into the products that are counted: the fused kernel of CPUs is
not in its list. mmengine's ``FlopAnalyzer`` counts no ``scaled_dot_product_attention``.

No file of the user's is read: backbone and head are built from the config without
`init_cfg` and `mean_params`, and without the body. The backbone is built on torch's
meta device, which knows shapes alone: ViT-H takes neither memory nor time.

Example: python tools/analysis_tools/get_flops.py CONFIG --shape 256 192
"""

import argparse
from collections import Counter
from typing import NamedTuple

import torch
from mmengine.config import DictAction
from mmengine.registry import init_default_scope
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry
from torch.utils.module_tracker import ModuleTracker

from deforhmr_mm.engine.launching import load_config, one_line_errors
from deforhmr_mm.models.backbones import CachedFeatures
from deforhmr_mm.registry import MODELS

aten = torch.ops.aten
SELF_ATTENTION = 'self-attention'
QUERIES = 'cross-attention: queries and attention'
KEYS = 'cross-attention: keys and values'
SAMPLING = 'cross-attention: sampling and position'
OFFSETS = 'cross-attention: offsets'
FFN = 'feed-forward'
REST = 'tokens, norms, readouts'
HEAD_PARTS = (SELF_ATTENTION, QUERIES, KEYS, SAMPLING, OFFSETS, FFN, REST)
# What a module belongs to: by its own name, or else by the end of its class's name.
BY_NAME = {
    'key_proj': KEYS,
    'value_proj': KEYS,
    'context_proj': KEYS,
    'to_kv': KEYS,
    'key_position': SAMPLING,
    'bias': SAMPLING,
    'offsets': OFFSETS,
    'sampling_offsets': OFFSETS,
    'reference': OFFSETS,
    'ffn': FFN,
}
BY_CLASS = {
    'SelfAttention': SELF_ATTENTION,
    'CrossAttention': QUERIES,
    'FeedForward': FFN,
}
# What DeforHMR's decoder computes for all layers in one pass runs in no layer's module.
BY_OPERATOR = {
    aten.convolution: OFFSETS,
    aten.bmm: KEYS,
    aten.grid_sampler_2d: SAMPLING,
}


class Cost(NamedTuple):
    """Parameters and FLOPs (multiply-adds) of each part of a model."""

    parameters: Counter
    flops: Counter


def sampled(*args: object, out_val: Tensor, **kwargs: object) -> int:
    """Cost of bilinear sampling in the formulas' unit, half a multiply-add."""
    return 2 * 4 * out_val.numel()


FORMULAS = {**flop_registry, aten.grid_sampler_2d: sampled}


class FlopCounter(TorchDispatchMode):
    """Count multiply-adds by operator and by the innermost module that runs.

    torch's ``FlopCounterMode`` counts for all modules that run; from that the innermost
    cannot be told where a method other than ``forward`` calls a part of its module.

    Attributes:
        flops: counts under (name of the module, operator); names begin with the class
            of the outermost module.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flops = Counter()
        self._modules = ModuleTracker()

    def __enter__(self) -> 'FlopCounter':
        self._modules.__enter__()
        return super().__enter__()

    def __exit__(self, *error: object) -> None:
        super().__exit__(*error)
        self._modules.__exit__()

    def __torch_dispatch__(
        self, func: object, types: object, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        out = func(*args, **(kwargs or {}))
        operator = func._overloadpacket
        if operator in FORMULAS:
            # Those that run are nested: the longest name is the innermost.
            name = max(self._modules.parents - {'Global'}, key=len)
            flops = FORMULAS[operator](*args, **(kwargs or {}), out_val=out)
            self.flops[name, operator] += flops // 2
        return out


def count_flops(module: nn.Module, *inputs: object) -> tuple[Counter, object]:
    """Multiply-adds by module and operator, each under the innermost module.

    Returns:
        Counts under (name of the module within `module`, operator), and the output.
    """
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounter() as counter:
        output = module(*inputs)
    flops = Counter()
    for (name, operator), count in counter.flops.items():
        flops[name.partition('.')[2], operator] += count
    return flops, output


def part_of(module: nn.Module, name: str) -> str:
    """The part of a head that one of its modules belongs to."""
    while name:
        own_name = name.rpartition('.')[2]
        if own_name in BY_NAME:
            return BY_NAME[own_name]
        kind = type(module.get_submodule(name)).__name__
        for ending, part in BY_CLASS.items():
            if kind.endswith(ending):
                return part
        name = name.rpartition('.')[0]
    return REST


def head_cost(head: nn.Module, *inputs: object) -> Cost:
    """Cost of a head by part; `inputs` are those of its forward, for one picture."""
    parameters, by_part = Counter(), Counter()
    for name, parameter in head.named_parameters():
        parameters[part_of(head, name.rpartition('.')[0])] += parameter.numel()
    for (name, operator), flops in count_flops(head, *inputs)[0].items():
        part = part_of(head, name)
        if operator is aten.grid_sampler_2d or not name:
            part = BY_OPERATOR.get(operator, part)
        by_part[part] += flops
    return Cost(parameters, by_part)


def model_cost(model: dict, shape: tuple[int, int]) -> tuple[Cost, int]:
    """Cost of a model's backbone and head, and the number of trained parameters.

    Args:
        model: config of a `MeshEstimator`; that of cached features has a backbone of
            no cost.
        shape: height and width of the input in pixels.
    """
    head_config = {key: model['head'][key] for key in model['head']}
    if 'mean_params' in head_config:
        head_config['mean_params'] = None
    with torch.device('meta'):
        backbone = MODELS.build(model['backbone'])
    # mmpose's backbones return nothing from eval().
    backbone.eval()
    head = MODELS.build(head_config)
    head.eval()
    size = (3, *shape)
    if isinstance(backbone, CachedFeatures):
        # Of a patch size of 16, where the head does not say.
        cells = head_config.get('feat_size', tuple(side // 16 for side in shape))
        size = (head_config['in_channels'], *cells)
    counts, feats = count_flops(backbone, torch.empty(1, *size, device='meta'))
    inputs = [real(feats)]
    if getattr(head, 'needs_box_info', False):
        inputs.append(torch.zeros(1, 3))
    cost = head_cost(head, *inputs)
    cost.parameters['backbone'] = sum(p.numel() for p in backbone.parameters())
    cost.flops['backbone'] = counts.total()
    trained = sum(
        parameter.numel()
        for module in (backbone, head)
        for parameter in module.parameters()
        if parameter.requires_grad
    )
    return cost, trained


def real(feats: Tensor | list | tuple) -> Tensor | list[Tensor]:
    """Zeros of the shapes of features on the meta device."""
    if isinstance(feats, Tensor):
        return torch.zeros(feats.shape)
    return [real(level) for level in feats]


def table(cost: Cost) -> str:
    """The cost as a table in Markdown."""
    rows = [('backbone', ['backbone']), ('head', HEAD_PARTS)]
    rows += [(f'- {part}', [part]) for part in HEAD_PARTS if part_is_there(cost, part)]
    rows.append(('all', ['backbone', *HEAD_PARTS]))
    total = cost.flops.total()
    lines = ['| part | parameters | GFLOPs | share |', '|---|--:|--:|--:|']
    for title, parts in rows:
        parameters = sum(cost.parameters[part] for part in parts)
        flops = sum(cost.flops[part] for part in parts)
        lines.append(
            f'| {title} | {parameters / 1e6:.3f} M | {flops / 1e9:.3f} | '
            f'{100 * flops / total:.2f} % |'
        )
    return '\n'.join(lines)


def part_is_there(cost: Cost, part: str) -> bool:
    """Whether a model has such a part at all."""
    return cost.parameters[part] > 0 or cost.flops[part] > 0


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('config', help='config file')
    parser.add_argument(
        '--shape',
        type=int,
        nargs=2,
        default=(256, 192),
        metavar=('H', 'W'),
        help='height and width of the input in pixels (default: 256 192)',
    )
    parser.add_argument(
        '--cfg-options',
        nargs='+',
        action=DictAction,
        help='override settings of the config, key=value',
    )
    return parser.parse_args()


def main() -> None:
    args = parse_args()
    with one_line_errors():
        config = load_config(args.config, args.cfg_options)
    init_default_scope(config.get('default_scope', 'deforhmr_mm'))
    cost, trained = model_cost(config.model, tuple(args.shape))
    print(table(cost))
    print(
        f'\nOne picture of {args.shape[0]} x {args.shape[1]} pixels (height x width); '
        'a multiply-add is one FLOP. Trained parameters: '
        f'{trained / 1e6:.3f} M.'
    )


if __name__ == '__main__':
    main()
