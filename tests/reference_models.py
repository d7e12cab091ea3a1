"""HMR2.0's and mmpretrain's arithmetic in plain torch, on their state dicts.

Nothing of deforhmr_mm is used here: converted weights must give what this gives.
"""

import torch
import torch.nn.functional as F


def random_weights(shapes, seed=0):
    """Weights of the shapes given, small but for the norms', which lie around 1."""
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name, shape in shapes.items():
        value = 0.3 * torch.randn(shape, generator=generator)
        is_scale = name.endswith('weight') and len(shape) == 1
        weights[name] = value + 1 if is_scale else value
    return weights


def linear_shapes(name, outside, inside, bias=True):
    shapes = {f'{name}.weight': (outside, inside)}
    return shapes | ({f'{name}.bias': (outside,)} if bias else {})


def norm_shapes(name, width):
    return {f'{name}.weight': (width,), f'{name}.bias': (width,)}


def vitpose_shapes(prefix='', width=16, depth=2, patch=16, patches=12):
    """Names and shapes of ViTPose's encoder, which HMR2.0 has under ``backbone.``."""
    shapes = {
        'patch_embed.proj.weight': (width, 3, patch, patch),
        'patch_embed.proj.bias': (width,),
        'pos_embed': (1, patches + 1, width),
        **norm_shapes('last_norm', width),
    }
    for index in range(depth):
        block = f'blocks.{index}'
        shapes |= norm_shapes(f'{block}.norm1', width)
        shapes |= linear_shapes(f'{block}.attn.qkv', 3 * width, width)
        shapes |= linear_shapes(f'{block}.attn.proj', width, width)
        shapes |= norm_shapes(f'{block}.norm2', width)
        shapes |= linear_shapes(f'{block}.mlp.fc1', 4 * width, width)
        shapes |= linear_shapes(f'{block}.mlp.fc2', width, 4 * width)
    return {prefix + name: shape for name, shape in shapes.items()}


def mmpretrain_shapes(prefix='backbone.', width=16, depth=2, patch=16, entries=12):
    """Names and shapes of mmpretrain's VisionTransformer."""
    shapes = {
        'patch_embed.projection.weight': (width, 3, patch, patch),
        'patch_embed.projection.bias': (width,),
        'pos_embed': (1, entries, width),
        **norm_shapes('ln1', width),
    }
    for index in range(depth):
        layer = f'layers.{index}'
        shapes |= norm_shapes(f'{layer}.ln1', width)
        shapes |= linear_shapes(f'{layer}.attn.qkv', 3 * width, width)
        shapes |= linear_shapes(f'{layer}.attn.proj', width, width)
        shapes |= norm_shapes(f'{layer}.ln2', width)
        shapes |= linear_shapes(f'{layer}.ffn.layers.0.0', 4 * width, width)
        shapes |= linear_shapes(f'{layer}.ffn.layers.1', width, 4 * width)
    return {prefix + name: shape for name, shape in shapes.items()}


def hmr2_head_shapes(
    prefix='smpl_head.', context=16, width=12, inner=8, hidden=20, depth=2
):
    """Names and shapes of HMR2.0's transformer decoder head."""
    shapes = {
        'init_body_pose': (1, 144),
        'init_betas': (1, 10),
        'init_cam': (1, 3),
        'transformer.pos_embedding': (1, 1, width),
        **linear_shapes('transformer.to_token_embedding', width, 1),
        **linear_shapes('decpose', 144, width),
        **linear_shapes('decshape', 10, width),
        **linear_shapes('deccam', 3, width),
    }
    for index in range(depth):
        layer = f'transformer.transformer.layers.{index}'
        for part in range(3):
            shapes |= norm_shapes(f'{layer}.{part}.norm', width)
        shapes |= linear_shapes(f'{layer}.0.fn.to_qkv', 3 * inner, width, bias=False)
        shapes |= linear_shapes(f'{layer}.0.fn.to_out.0', width, inner)
        shapes |= linear_shapes(f'{layer}.1.fn.to_kv', 2 * inner, context, bias=False)
        shapes |= linear_shapes(f'{layer}.1.fn.to_q', inner, width, bias=False)
        shapes |= linear_shapes(f'{layer}.1.fn.to_out.0', width, inner)
        shapes |= linear_shapes(f'{layer}.2.fn.net.0', hidden, width)
        shapes |= linear_shapes(f'{layer}.2.fn.net.3', width, hidden)
    return {prefix + name: shape for name, shape in shapes.items()}


def _linear(weights, name, x):
    y = x @ weights[f'{name}.weight'].T
    return y + weights[f'{name}.bias'] if f'{name}.bias' in weights else y


def _norm(weights, name, x, eps):
    centred = x - x.mean(-1, keepdim=True)
    scale = (centred.square().mean(-1, keepdim=True) + eps).sqrt()
    return centred / scale * weights[f'{name}.weight'] + weights[f'{name}.bias']


def _gelu(x):
    return x * 0.5 * (1 + torch.erf(x / 2**0.5))


def _attention(query, key, value, heads):
    width = query.shape[-1] // heads
    outputs = []
    for head in range(heads):
        part = slice(head * width, (head + 1) * width)
        logits = query[..., part] @ key[..., part].transpose(1, 2) / width**0.5
        outputs.append(logits.softmax(-1) @ value[..., part])
    return torch.cat(outputs, -1)


def encode(weights, images, heads, prefix='backbone.', mmpretrain=False, padding=2):
    """Features (B, C, h, w) of ViTPose's or, without class token, mmpretrain's ViT."""
    w = {k[len(prefix) :]: v for k, v in weights.items() if k.startswith(prefix)}
    names = (
        ('patch_embed.projection', 'layers', 'ln', 'ffn.layers.0.0', 'ffn.layers.1')
        if mmpretrain
        else ('patch_embed.proj', 'blocks', 'norm', 'mlp.fc1', 'mlp.fc2')
    )
    patch, layers, norm, fc1, fc2 = names
    kernel = w[f'{patch}.weight']
    grid = F.conv2d(
        images, kernel, w[f'{patch}.bias'], stride=kernel.shape[-1], padding=padding
    )
    x = grid.flatten(2).transpose(1, 2)
    if mmpretrain:
        x = x + w['pos_embed']
    else:
        x = x + w['pos_embed'][:, 1:] + w['pos_embed'][:, :1]
    depth = len({k.split('.')[1] for k in w if k.startswith(f'{layers}.')})
    for index in range(depth):
        layer = f'{layers}.{index}'
        normed = _norm(w, f'{layer}.{norm}1', x, 1e-6)
        query, key, value = _linear(w, f'{layer}.attn.qkv', normed).chunk(3, -1)
        mixed = _attention(query, key, value, heads)
        x = x + _linear(w, f'{layer}.attn.proj', mixed)
        normed = _norm(w, f'{layer}.{norm}2', x, 1e-6)
        x = x + _linear(
            w, f'{layer}.{fc2}', _gelu(_linear(w, f'{layer}.{fc1}', normed))
        )
    x = _norm(w, 'ln1' if mmpretrain else 'last_norm', x, 1e-6)
    return x.transpose(1, 2).reshape(grid.shape)


def regress(weights, feats, heads, prefix='smpl_head.'):
    """HMR2.0's head: (B, 24, 3, 3) rotations, betas and camera of (B, C, h, w)."""
    w = {k[len(prefix) :]: v for k, v in weights.items() if k.startswith(prefix)}
    context = feats.flatten(2).transpose(1, 2)
    token = _linear(w, 'transformer.to_token_embedding', feats.new_zeros(1, 1, 1))
    x = (token + w['transformer.pos_embedding']).expand(len(feats), -1, -1)
    depth = len({k.split('.')[3] for k in w if '.layers.' in k})
    for index in range(depth):
        layer = f'transformer.transformer.layers.{index}'
        normed = _norm(w, f'{layer}.0.norm', x, 1e-5)
        query, key, value = _linear(w, f'{layer}.0.fn.to_qkv', normed).chunk(3, -1)
        mixed = _attention(query, key, value, heads)
        x = x + _linear(w, f'{layer}.0.fn.to_out.0', mixed)
        query = _linear(w, f'{layer}.1.fn.to_q', _norm(w, f'{layer}.1.norm', x, 1e-5))
        key, value = _linear(w, f'{layer}.1.fn.to_kv', context).chunk(2, -1)
        mixed = _attention(query, key, value, heads)
        x = x + _linear(w, f'{layer}.1.fn.to_out.0', mixed)
        normed = _norm(w, f'{layer}.2.norm', x, 1e-5)
        hidden = _gelu(_linear(w, f'{layer}.2.fn.net.0', normed))
        x = x + _linear(w, f'{layer}.2.fn.net.3', hidden)
    x = x[:, 0]
    pose = (_linear(w, 'decpose', x) + w['init_body_pose']).reshape(-1, 24, 6)
    first, second = pose[..., :3], pose[..., 3:]
    first = first / first.norm(dim=-1, keepdim=True)
    second = second - (first * second).sum(-1, keepdim=True) * first
    second = second / second.norm(dim=-1, keepdim=True)
    third = torch.linalg.cross(first, second, dim=-1)
    return (
        torch.stack((first, second, third), -1),
        _linear(w, 'decshape', x) + w['init_betas'],
        _linear(w, 'deccam', x) + w['init_cam'],
    )
