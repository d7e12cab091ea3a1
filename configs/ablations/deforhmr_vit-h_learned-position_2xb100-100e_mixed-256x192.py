# Supplement B.1: a learned map, read at the sampled positions, is added to the keys.
_base_ = '../deforhmr/deforhmr_vit-h_2xb100-100e_mixed-256x192.py'

model = dict(head=dict(cross_attention=dict(position_bias='learned')))
