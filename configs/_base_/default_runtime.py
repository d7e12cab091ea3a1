default_scope = 'deforhmr_mm'

default_hooks = dict(
    timer=dict(type='IterTimerHook'),
    logger=dict(type='LoggerHook', interval=50),
    param_scheduler=dict(type='ParamSchedulerHook'),
    checkpoint=dict(type='AtomicCheckpointHook', interval=1, max_keep_ckpts=3),
    sampler_seed=dict(type='DistSamplerSeedHook'),
    non_finite_loss=dict(type='NonFiniteLossHook'),
    mean_loss=dict(type='MeanLossHook'),
    same_body=dict(type='SameBodyHook'),
    scorable_labels=dict(type='ScorableLabelsHook'),
)

env_cfg = dict(
    cudnn_benchmark=False,
    mp_cfg=dict(mp_start_method='fork', opencv_num_threads=0),
    # Two hours, in seconds, for the slowest process, which draws or writes its share;
    # NCCL's own ten minutes are soon over.
    dist_cfg=dict(backend='nccl', timeout=7200),
)

log_processor = dict(type='LogProcessor', window_size=50, by_epoch=True)
log_level = 'INFO'

# TensorBoard or Weights & Biases beside it: docs/resume_and_scale.md.
vis_backends = [dict(type='LocalVisBackend')]
visualizer = dict(type='MeshVisualizer', vis_backends=vis_backends)

load_from = None
resume = False
