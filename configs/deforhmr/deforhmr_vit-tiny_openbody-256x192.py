# A small DeforHMR, trained end to end on synthetic people of the open body by two
# processes on two CPU cores: tools/dist_train.sh CONFIG 2 --amp. The encoder has
# ViT-tiny's width, four of its layers, and cells of 32 pixels. It starts from random
# weights: hence the convolutional stem, and the auxiliary head.
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
        arch=dict(embed_dims=192, depth=4, num_heads=3),
        patch_size=32,
        conv_stem=(0, 0, 1, 3, 3),
    ),
    head=dict(
        type='DeforHMRHead',
        in_channels=192,
        feat_size=(8, 6),
        num_layers=3,
        embed_dims=256,
        head_dims=32,
        ffn_dims=512,
        box_info=True,
    ),
    losses=dict(
        # Which way the body faces is what an encoder from random weights learns last,
        # and one joint of 24 in the pose loss.
        smpl=dict(global_orient_weight=2.0),
        joints_3d=dict(loss_weight=10.0),
        # Left out for speed: without it only joints are posed in training.
        vertices=None,
    ),
    auxiliary_head=dict(type='PartAuxHead', in_channels=192, orientation_weight=5.0),
)

# Gentler than HMR2.0's, for few epochs on rendered pictures that vary by themselves.
# Our choice: the two have not been compared.
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='RandomFlip'),
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

# People as wide as tall are cropped as inference crops them; the file has the longer
# side of their boxes alone.
data = dict(data_root='data/open_body/', dataset_name='open_body', fit_wide=True)
train_dataloader = dict(batch_size=16, dataset=dict(data, pipeline=train_pipeline))
val_dataloader = dict(
    batch_size=32, dataset=dict(data, pipeline={{_base_.test_pipeline}})
)
test_dataloader = val_dataloader

max_epochs = 18
train_cfg = dict(max_epochs=max_epochs, val_interval=2)

optim_wrapper = dict(optimizer=dict(lr=8e-4))
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
auto_scale_lr = dict(base_batch_size=32)

custom_hooks = [
    dict(
        type='EMAHook',
        momentum=0.008,
        interval=8,
        # Batch normalisation's own statistics are of the last 200 pictures or so; of
        # more, the shipped model's seventh part was 1 mm better on val.
        update_buffers=True,
        priority='NORMAL',
    ),
    dict(type='MeshVisualizationHook'),
]
default_hooks = dict(
    checkpoint=dict(save_best='PA-MPJPE', rule='less', max_keep_ckpts=2)
)
