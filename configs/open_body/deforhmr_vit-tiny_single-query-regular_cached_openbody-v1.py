# Table 2: one token for everything, keys at the cell centres.
_base_ = './deforhmr_vit-tiny_cached_openbody-v1.py'

model = dict(head=dict(multi_query=False, cross_attention=dict(deformable=False)))
