# The benchmark on data set v1, as the paper trains: the encoder is frozen and comes
# from stage 1 (configs/vitpose), the head is a small DeforHMR. Batch, rate and length
# are our choice for 60,000 people. This is the form for inference and for shipping;
# trainings go faster from caches (deforhmr_vit-tiny_cached_openbody-v1.py).
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/mesh_estimator.py',
    '../_base_/datasets/pipelines.py',
    '../_base_/datasets/open_body.py',
    '../_base_/schedules/small.py',
]

model = dict(
    backbone=dict(
        type='ViT',
        arch=dict(embed_dims=192, depth=6, num_heads=3),
        conv_stem=(0, 1, 2, 3),
        frozen=True,
        init_cfg=dict(
            type='Pretrained',
            checkpoint='work_dirs/vitpose_vit-tiny_openbody-v1-256x192/epoch_12.pth',
            prefix='backbone.',
        ),
    ),
    head=dict(
        type='DeforHMRHead',
        in_channels=192,
        feat_size=(16, 12),
        num_layers=3,
        embed_dims=192,
        head_dims=16,
        ffn_dims=384,
        box_info=True,
        # With one map for all tokens, or offsets that start at random, trainings need
        # longer before they see anything.
        shared_readout=False,
        cross_attention=dict(zero_start=True),
    ),
    losses=dict(
        # As in the first small model: heading is one joint of 24 in the pose loss.
        smpl=dict(global_orient_weight=2.0),
        joints_3d=dict(loss_weight=10.0),
        # Left out for speed: without it only joints are posed in training.
        vertices=None,
    ),
)

# Pictures of the set are hidden and cut already, so there is no erasing here. Cutting
# stays: the views of a cache are few, and each should differ from the picture.
train_pipeline = [
    dict(type='LoadImage', defer=True),
    dict(type='RandomFlip'),
    dict(type='RandomTruncation', prob=0.1),
    dict(
        type='RandomBBoxTransform',
        rotate_prob=0.3,
        rotate_std=15.0,
        rotate_max=30.0,
        scale_range=0.15,
    ),
    dict(type='TopdownAffine', input_size=(192, 256)),
    dict(type='ColorJitter'),
    dict(type='PackMeshInputs'),
]

data = dict(data_root='data/open_body_v1/', dataset_name='open_body_v1')
# Small batches: heads spend hundreds of steps before they find where to look.
train_dataloader = dict(batch_size=16, dataset=dict(data, pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=64, dataset=dict(data, pipeline={{_base_.test_pipeline}})
)
test_dataloader = val_dataloader

max_epochs = 10
train_cfg = dict(max_epochs=max_epochs, val_interval=1)

optim_wrapper = dict(optimizer=dict(lr=4e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=500),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs,
        eta_min_ratio=0.01,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(base_batch_size=16)

# Weights are averaged over about the last 1,000 steps; an epoch has 3,750.
custom_hooks = [
    dict(type='EMAHook', momentum=0.008, interval=8, priority='NORMAL'),
    dict(type='MeshVisualizationHook'),
]
default_hooks = dict(
    checkpoint=dict(save_best='PA-MPJPE', rule='less', max_keep_ckpts=1)
)
