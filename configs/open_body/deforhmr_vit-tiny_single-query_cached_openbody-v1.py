# Table 2: one token for everything, deformable cross-attention.
_base_ = './deforhmr_vit-tiny_cached_openbody-v1.py'

model = dict(head=dict(multi_query=False))
