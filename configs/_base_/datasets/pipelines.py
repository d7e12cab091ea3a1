# Augmentation as in HMR2.0 (method: section 6) and the plain pipeline of testing.
train_pipeline = [
    dict(type='LoadImage'),
    dict(type='RandomFlip'),
    dict(type='RandomBBoxTransform'),
    dict(type='TopdownAffine', input_size=(192, 256)),
    dict(type='ColorJitter'),
    dict(type='RandomErasing'),
    dict(type='PackMeshInputs'),
]

test_pipeline = [
    dict(type='LoadImage'),
    dict(type='TopdownAffine', input_size=(192, 256)),
    dict(type='PackMeshInputs'),
]
