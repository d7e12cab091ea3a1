# The small model's head on cached features of its encoder, once that is trained: such
# as the demo checkpoint's (docs/training.md). The auxiliary head has nobody to teach
# here, though its gradients count in the norm that is clipped. It stays, so that a
# checkpoint fits the config with the encoder.
_base_ = ['./deforhmr_vit-tiny_openbody-256x192.py']

model = dict(
    data_preprocessor=dict(_delete_=True, type='FeatureDataPreprocessor'),
    backbone=dict(_delete_=True, type='CachedFeatures'),
)
train_dataloader = dict(
    collate_fn=dict(type='cached_collate'),
    dataset=dict(
        _delete_=True,
        type='CachedFeatureDataset',
        cache_dir='data/features/vit-tiny_open_body_train',
        pipeline={{_base_.train_pipeline}},
    ),
)
val_dataloader = dict(
    collate_fn=dict(type='cached_collate'),
    dataset=dict(
        _delete_=True,
        type='CachedFeatureDataset',
        cache_dir='data/features/vit-tiny_open_body_val',
        test_mode=True,
        pipeline={{_base_.test_pipeline}},
    ),
)
test_dataloader = dict(
    val_dataloader,
    dataset=dict(
        val_dataloader['dataset'], cache_dir='data/features/vit-tiny_open_body_test'
    ),
)
custom_hooks = [
    dict(type='EMAHook', momentum=0.008, interval=8, priority='NORMAL'),
    dict(type='CachedFeaturesHook'),
]
