# AdamW without weight decay on what is no matrix: norms, biases, the head's tokens, and
# tables of positions (a cell, a place in a bias grid). Zero is no natural value for
# these, and what pulls them there does not keep a function smooth. The paper tells
# neither the schedule nor whether gradients are clipped: both are ours.
optim_wrapper = dict(
    type='OptimWrapper',
    optimizer=dict(type='AdamW', lr=1e-4, weight_decay=1e-4, fused=True),
    paramwise_cfg=dict(
        norm_decay_mult=0.0,
        bias_decay_mult=0.0,
        custom_keys={
            'head.tokens': dict(decay_mult=0.0),
            'pos_embed': dict(decay_mult=0.0),
            'bias.grids': dict(decay_mult=0.0),
            'key_position.grid': dict(decay_mult=0.0),
            # A layer norm that mmengine does not know as one.
            'offsets.norm': dict(decay_mult=0.0),
        },
    ),
    clip_grad=dict(max_norm=1.0),
)
