# HMR2.0's head on the tars of HMR2.0's own training (docs/datasets.md), in its mixture.
# As in hmr2_vit-h_mixed-256x192.py the encoder is frozen, losses and schedule are those
# of the paper's config, and there is no adversary.
_base_ = ['../deforhmr/deforhmr_vit-h_tars-256x192.py']

model = dict(
    head=dict(
        _delete_=True,
        type='HMR2Head',
        in_channels=1280,
        mean_params='data/body_models/smpl_mean_params.npz',
    ),
)
