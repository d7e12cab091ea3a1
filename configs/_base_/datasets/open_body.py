# Loaders of rendered people, for training on CPUs: pictures are read in the training
# process, since a process beside it would stop its work on two cores. Configs add the
# data's folder and the pipelines.
train_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    collate_fn=dict(type='mesh_collate'),
    drop_last=True,
    sampler=dict(type='DefaultSampler', shuffle=True),
    dataset=dict(type='HMRDataset', ann_file='annotations/train.npz'),
)
val_dataloader = dict(
    num_workers=0,
    persistent_workers=False,
    collate_fn=dict(type='mesh_collate'),
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(type='HMRDataset', ann_file='annotations/val.npz', test_mode=True),
)
test_dataloader = dict(
    val_dataloader,
    dataset=dict(val_dataloader['dataset'], ann_file='annotations/test.npz'),
)
val_evaluator = dict(type='MeshMetric', protocol='smpl24')
test_evaluator = val_evaluator
