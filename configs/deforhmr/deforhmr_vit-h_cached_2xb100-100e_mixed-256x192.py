# The paper's training with the frozen encoder's features from a cache: the encoder is
# not even built. docs/training.md says how to make the caches; four views take the
# place of new augmentations in each epoch.
_base_ = ['./deforhmr_vit-h_2xb100-100e_mixed-256x192.py']

model = dict(
    data_preprocessor=dict(_delete_=True, type='FeatureDataPreprocessor'),
    backbone=dict(_delete_=True, type='CachedFeatures'),
)
train_dataloader = dict(
    collate_fn=dict(type='cached_collate'),
    dataset=dict(
        _delete_=True,
        type='CachedFeatureDataset',
        cache_dir='data/features/vit-h_mixed_train',
        pipeline={{_base_.train_pipeline}},
    ),
)
val_dataloader = dict(
    collate_fn=dict(type='cached_collate'),
    dataset=dict(
        _delete_=True,
        type='CachedFeatureDataset',
        cache_dir='data/features/vit-h_3dpw_validation',
        test_mode=True,
        pipeline={{_base_.test_pipeline}},
    ),
)
test_dataloader = dict(
    collate_fn=dict(type='cached_collate'),
    dataset=dict(val_dataloader['dataset'], cache_dir='data/features/vit-h_3dpw_test'),
)
custom_hooks = [dict(type='CachedFeaturesHook')]
