# HMR2.0's head on the encoder, data and schedule of the paper's config: the baseline
# with one query. HMR2.0 itself trains its encoder too, with other losses and an
# adversary. Its published weights, once converted (docs/checkpoints.md), run here.
_base_ = [
    '../deforhmr/deforhmr_vit-h_2xb100-100e_mixed-256x192.py',
    '../_base_/models/hmr2_head.py',
]

model = dict(head=dict(_base_.hmr2_head, _delete_=True))
