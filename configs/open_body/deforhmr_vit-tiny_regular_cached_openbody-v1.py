# Table 2: a token for each joint, keys at the cell centres (no offsets).
_base_ = './deforhmr_vit-tiny_cached_openbody-v1.py'

model = dict(head=dict(cross_attention=dict(deformable=False)))
