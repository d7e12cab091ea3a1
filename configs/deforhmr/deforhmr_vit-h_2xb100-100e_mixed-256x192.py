# DeforHMR as the paper trains it: frozen ViTPose ViT-H, 100 epochs, AdamW, 2 x 100
# pictures. Learning rate, weight decay, schedule, loss weights and the proportions of
# the mixture are not in the paper's text that we have; they are our choice.
# What it reads is yours to bring: docs/install.md, "Your own SMPL files".
_base_ = [
    '../_base_/default_runtime.py',
    '../_base_/models/mesh_estimator.py',
    '../_base_/datasets/pipelines.py',
    '../_base_/schedules/adamw.py',
]

body_model = dict(
    type='SMPL',
    model_path='data/body_models/smpl/SMPL_NEUTRAL.pkl',
    h36m_regressor='data/body_models/J_regressor_h36m.npy',
)

model = dict(
    backbone=dict(
        type='ViT',
        arch='huge',
        frozen=True,
        init_cfg=dict(type='Pretrained', checkpoint='checkpoints/vitpose-h.pth'),
    ),
    head=dict(
        type='DeforHMRHead',
        in_channels=1280,
        mean_params='data/body_models/smpl_mean_params.npz',
    ),
    body_model=body_model,
)

data_root = 'data/'

# One npz with SMPL labels for each source, in the layout of SPIN or CLIFF, and its
# share of an epoch. Of MPI-INF-3DHP and Human3.6M the converters write joints alone:
# take files with fits, or only the joint losses learn from these (docs/datasets.md).
# The shares are our choice: half for people of all kinds of places (COCO, MPII), and
# little of the small sets, which would be repeated often.
sources = ['3dpw', 'mpi_inf_3dhp', 'coco', 'mpii', 'h36m']
shares = [0.1, 0.1, 0.3, 0.2, 0.3]
train_dataloader = dict(
    batch_size=100,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type='mesh_collate'),
    drop_last=True,
    sampler=dict(type='MixtureSampler', weights=shares),
    dataset=dict(
        type='ConcatDataset',
        datasets=[
            dict(
                type='HMRDataset',
                data_root=data_root,
                ann_file=f'annotations/{name}_train.npz',
                dataset_name=name,
                data_prefix=dict(img=name),
                pipeline={{_base_.train_pipeline}},
            )
            for name in sources
        ],
    ),
)
val_dataloader = dict(
    batch_size=100,
    num_workers=8,
    persistent_workers=True,
    pin_memory=True,
    collate_fn=dict(type='mesh_collate'),
    drop_last=False,
    sampler=dict(type='DefaultSampler', shuffle=False, round_up=False),
    dataset=dict(
        type='HMRDataset',
        data_root=data_root,
        # Not the test set: the best checkpoint is chosen by these.
        ann_file='annotations/3dpw_validation.npz',
        dataset_name='3dpw',
        data_prefix=dict(img='3dpw'),
        test_mode=True,
        pipeline={{_base_.test_pipeline}},
    ),
)
test_dataloader = dict(
    val_dataloader,
    dataset=dict(val_dataloader['dataset'], ann_file='annotations/3dpw_test.npz'),
)
# 3DPW's shapes belong to the body of the person's gender: the truth is posed with it.
val_evaluator = dict(
    type='MeshMetric',
    protocol='3dpw',
    body_model=body_model,
    gendered_body_models=dict(
        male=dict(body_model, model_path='data/body_models/smpl/SMPL_MALE.pkl'),
        female=dict(body_model, model_path='data/body_models/smpl/SMPL_FEMALE.pkl'),
    ),
)
test_evaluator = val_evaluator

max_epochs = 100
train_cfg = dict(
    type='ResumableEpochBasedTrainLoop', max_epochs=max_epochs, val_interval=5
)
val_cfg = dict()
test_cfg = dict()

optim_wrapper = dict(optimizer=dict(lr=1e-4, weight_decay=1e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=1000),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs,
        eta_min_ratio=0.01,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
auto_scale_lr = dict(base_batch_size=200)

custom_hooks = [dict(type='MeshVisualizationHook')]
default_hooks = dict(checkpoint=dict(save_best='PA-MPJPE', rule='less'))
