# The baseline on RICH's test set, as deforhmr_vit-h_rich-256x192.py has it.
_base_ = [
    '../deforhmr/deforhmr_vit-h_rich-256x192.py',
    '../_base_/models/hmr2_head.py',
]

model = dict(head=dict(_base_.hmr2_head, _delete_=True))
