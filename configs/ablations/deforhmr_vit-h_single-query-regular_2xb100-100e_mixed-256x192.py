# Table 2: one token for everything, keys at the cell centres.
_base_ = '../deforhmr/deforhmr_vit-h_2xb100-100e_mixed-256x192.py'

model = dict(head=dict(multi_query=False, cross_attention=dict(deformable=False)))
