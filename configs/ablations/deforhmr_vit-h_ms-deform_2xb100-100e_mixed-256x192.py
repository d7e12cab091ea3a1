# Deformable-DETR's cross-attention: each query chooses its own points. Needs mmcv with
# its compiled ops.
_base_ = '../deforhmr/deforhmr_vit-h_2xb100-100e_mixed-256x192.py'

model = dict(head=dict(cross_attention=dict(type='MSDeformCrossAttention')))
