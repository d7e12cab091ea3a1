# Keys at the cell centres and no position bias: plain cross-attention.
_base_ = '../deforhmr/deforhmr_vit-h_2xb100-100e_mixed-256x192.py'

model = dict(head=dict(cross_attention=dict(deformable=False, position_bias=None)))
