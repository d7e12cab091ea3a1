# HMR2.0's head on ViT-H's features, as both of its configs put it in place of another.
hmr2_head = dict(
    type='HMR2Head',
    in_channels=1280,
    mean_params='data/body_models/smpl_mean_params.npz',
)
