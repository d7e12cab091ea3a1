# Supplement B.1: sines of the sampled positions are added to the keys.
_base_ = '../deforhmr/deforhmr_vit-h_2xb100-100e_mixed-256x192.py'

model = dict(head=dict(cross_attention=dict(position_bias='sine')))
