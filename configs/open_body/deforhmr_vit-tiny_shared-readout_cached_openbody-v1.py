# One linear map reads the rotations of all pose tokens, as we read the paper.
_base_ = './deforhmr_vit-tiny_cached_openbody-v1.py'
model = dict(head=dict(shared_readout=True))
