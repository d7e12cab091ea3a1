"""A config of stage 1 that is not the benchmark's own."""

STAGE1 = """
data_root = 'data/open_body_v1/'
train_cfg = dict(by_epoch=True, max_epochs=20, val_interval=5)
param_scheduler = [
    dict(type='LinearLR', begin=0, end=100, by_epoch=False),
    dict(type='MultiStepLR', end=20, milestones=[15, 19], by_epoch=True),
]
auto_scale_lr = dict(base_batch_size=64)
train_dataloader = dict(
    batch_size=32, dataset=dict(data_root=data_root, ann_file='coco_train.json'))
val_dataloader = dict(
    batch_size=32, dataset=dict(data_root=data_root, ann_file='coco_val.json'))
val_evaluator = dict(type='CocoMetric', ann_file=data_root + 'coco_val.json')
"""
