# Supplement B.1: sines of the sampled positions are added to the keys.
_base_ = './deforhmr_vit-tiny_cached_openbody-v1.py'

model = dict(head=dict(cross_attention=dict(position_bias='sine')))
