# Training: flips and turns as in HMR2.0; sizes, people cut off, colours and erased
# rectangles are our choice. Testing: the plain crop. JPEG files wait for the crop,
# which tells how much of them is to be decoded.
train_pipeline = [
    dict(type='LoadImage', defer=True),
    dict(type='RandomFlip'),
    dict(type='RandomTruncation', prob=0.1),
    dict(type='RandomBBoxTransform'),
    dict(type='TopdownAffine', input_size=(192, 256)),
    dict(type='ColorJitter'),
    dict(type='RandomErasing'),
    dict(type='PackMeshInputs'),
]

test_pipeline = [
    dict(type='LoadImage', defer=True),
    dict(type='TopdownAffine', input_size=(192, 256)),
    dict(type='PackMeshInputs'),
]
