# The paper's model and schedule on the tars of HMR2.0's training (docs/datasets.md), in
# HMR2.0's mixture. Together they hold millions of people; an epoch is this many drawn
# from them, by our choice.
_base_ = [
    './deforhmr_vit-h_2xb100-100e_mixed-256x192.py',
    '../_base_/datasets/hmr2_tars.py',
]

train_dataloader = dict(
    dataset=dict(
        datasets=[
            dict(tars, pipeline=_base_.train_pipeline) for tars in _base_.hmr2_tars
        ]
    ),
    sampler=dict(
        weights=list(_base_.hmr2_tar_shares.values()),
        num_samples=500_000,
    ),
)
