# Supplement B.1: no position encoding; the keys are sampled features alone.
_base_ = '../deforhmr/deforhmr_vit-h_2xb100-100e_mixed-256x192.py'

model = dict(head=dict(cross_attention=dict(position_bias=None)))
