# HMR2.0's head on the tars of HMR2.0's own training (docs/datasets.md), in its mixture.
# As in hmr2_vit-h_mixed-256x192.py the encoder is frozen, losses and schedule are those
# of the paper's config, and there is no adversary.
_base_ = [
    '../deforhmr/deforhmr_vit-h_tars-256x192.py',
    '../_base_/models/hmr2_head.py',
]

model = dict(head=dict(_base_.hmr2_head, _delete_=True))
