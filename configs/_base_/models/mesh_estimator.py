# What every estimator here shares: ImageNet's statistics, the losses and their weights.
# The paper's weights are lost; these are ours.
data_preprocessor = dict(
    type='ImgDataPreprocessor',
    mean=[123.675, 116.28, 103.53],
    std=[58.395, 57.12, 57.375],
    bgr_to_rgb=True,
)

model = dict(
    type='MeshEstimator',
    data_preprocessor=data_preprocessor,
    losses=dict(
        smpl=dict(type='SMPLParamLoss', pose_weight=1.0, betas_weight=0.01),
        joints_3d=dict(type='Joints3DLoss', loss_weight=20.0),
        joints_2d=dict(type='Joints2DLoss', loss_weight=20.0),
        vertices=dict(type='VertexLoss', loss_weight=20.0),
    ),
)
