# Stage 1: the encoder learns 2D keypoints by ViTPose's recipe with mmpose's top-down
# estimator and heatmap head, on the people of data set v1. Its backbone is what stage 2
# freezes. By two processes on two CPU cores: tools/dist_train.sh CONFIG 2 --amp.
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/datasets/open_body.py',
    '../_base_/schedules/small.py',
]

codec = dict(
    type='mmpose.UDPHeatmap', input_size=(192, 256), heatmap_size=(24, 32), sigma=1.5
)
model = dict(
    type='mmpose.TopdownPoseEstimator',
    data_preprocessor=dict(
        type='mmpose.PoseDataPreprocessor',
        mean=[123.675, 116.28, 103.53],
        std=[58.395, 57.12, 57.375],
        bgr_to_rgb=True,
    ),
    # ViT-tiny's width and half its layers: the other half of the work is done by a
    # convolutional stem, since it starts from random weights.
    backbone=dict(
        type='ViT',
        arch=dict(embed_dims=192, depth=6, num_heads=3),
        conv_stem=(0, 1, 2, 3),
    ),
    # ViTPose's simple decoder. Heatmaps of half its resolution: for speed.
    neck=dict(type='FeatureMapNeck', scale_factor=2.0, apply_relu=True),
    head=dict(
        type='mmpose.HeatmapHead',
        in_channels=192,
        out_channels=17,
        deconv_out_channels=[],
        deconv_kernel_sizes=[],
        final_layer=dict(kernel_size=3, padding=1),
        loss=dict(type='mmpose.KeypointMSELoss', use_target_weight=True),
        decoder=codec,
    ),
    # The accuracy would be computed by numpy, which has no bfloat16.
    train_cfg=dict(compute_acc=False),
    test_cfg=dict(flip_test=False),
)

train_pipeline = [
    dict(type='LoadImage', defer=True),
    dict(type='RandomFlip'),
    dict(type='RandomTruncation', prob=0.1),
    dict(
        type='RandomBBoxTransform',
        rotate_prob=0.5,
        rotate_std=20.0,
        rotate_max=45.0,
        scale_range=0.2,
    ),
    dict(type='TopdownAffine', input_size=(192, 256)),
    dict(type='ColorJitter'),
    dict(type='ToKeypointSample', keypoint_set='coco17'),
    dict(type='mmpose.GenerateTarget', encoder=codec),
    dict(type='mmpose.PackPoseInputs'),
]
test_pipeline = [
    dict(type='LoadImage', defer=True),
    dict(type='TopdownAffine', input_size=(192, 256)),
    dict(type='ToKeypointSample', keypoint_set='coco17'),
    dict(type='mmpose.PackPoseInputs'),
]

data = dict(data_root='data/open_body_v1/', dataset_name='open_body_v1')
collate = dict(type='pseudo_collate')
train_dataloader = dict(
    batch_size=32, collate_fn=collate, dataset=dict(data, pipeline=train_pipeline)
)
val_dataloader = dict(
    batch_size=32, collate_fn=collate, dataset=dict(data, pipeline=test_pipeline)
)
test_dataloader = val_dataloader
# Of the crop's longer side: 0.05 is 13 of its 256 pixels.
val_evaluator = dict(
    _delete_=True, type='mmpose.PCKAccuracy', thr=0.05, norm_item='bbox'
)
test_evaluator = val_evaluator

max_epochs = 12
train_cfg = dict(max_epochs=max_epochs, val_interval=1)

optim_wrapper = dict(optimizer=dict(lr=1e-3))
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
auto_scale_lr = dict(base_batch_size=64)

custom_hooks = [dict(type='EMAHook', momentum=0.004, interval=8, priority='NORMAL')]
default_hooks = dict(checkpoint=dict(save_best='PCK', rule='greater', max_keep_ckpts=2))
