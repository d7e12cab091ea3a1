# Deformable-DETR's cross-attention: each query chooses its own points. Needs mmcv with
# its compiled ops.
_base_ = './deforhmr_vit-tiny_cached_openbody-v1.py'

model = dict(
    head=dict(cross_attention=dict(_delete_=True, type='MSDeformCrossAttention'))
)
