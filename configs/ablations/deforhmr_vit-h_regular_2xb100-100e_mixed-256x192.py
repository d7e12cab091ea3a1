# Table 2: a token for each joint, keys at the cell centres (no offsets). The grids of
# the position bias stay, so that the offsets alone differ from the paper's model.
_base_ = '../deforhmr/deforhmr_vit-h_2xb100-100e_mixed-256x192.py'

model = dict(head=dict(cross_attention=dict(deformable=False)))
