# The small DeforHMR of deforhmr_vit-tiny_openbody-256x192.py, trained on with the more
# varied people of data set v1. By two processes on two CPU cores:
# tools/dist_train.sh CONFIG 2 --amp.
_base_ = ['./deforhmr_vit-tiny_openbody-256x192.py']

model = dict(
    # All of ViT-tiny's layers: at 48 tokens they cost little beside the stem. Those
    # that a checkpoint of four layers does not have start from random weights.
    backbone=dict(arch=dict(depth=12)),
    # A readout for each pose token: they start as copies of the one that is loaded.
    head=dict(shared_readout=False),
)

load_from = 'work_dirs/deforhmr_vit-tiny_openbody-256x192/epoch_18.pth'

# People of v1 are hidden and cut already; cutting stays, as each is seen many times.
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
train_dataloader = dict(batch_size=16, dataset=dict(data, pipeline=train_pipeline))
val_dataloader = dict(dataset=data)
test_dataloader = dict(dataset=data)

max_epochs = 10
train_cfg = dict(max_epochs=max_epochs)
optim_wrapper = dict(optimizer=dict(lr=4e-4))
param_scheduler = [
    dict(type='LinearLR', start_factor=0.01, by_epoch=False, begin=0, end=100),
    dict(
        type='CosineAnnealingLR',
        T_max=max_epochs,
        eta_min_ratio=0.01,
        by_epoch=True,
        convert_to_iter_based=True,
    ),
]
