# Supplement B.1: no position encoding; the keys are sampled features alone.
_base_ = './deforhmr_vit-tiny_cached_openbody-v1.py'

model = dict(head=dict(cross_attention=dict(position_bias=None)))
