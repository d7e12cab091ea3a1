# HMR2.0's head, of the same depth and widths, on the same features and schedule. As in
# HMR2.0 it is not told where the crop lies in the picture (the others' `box_info`).
_base_ = './deforhmr_vit-tiny_cached_openbody-v1.py'

model = dict(
    head=dict(
        _delete_=True,
        type='HMR2Head',
        in_channels=192,
        num_layers=3,
        embed_dims=192,
        head_dims=16,
        ffn_dims=384,
    ),
)
