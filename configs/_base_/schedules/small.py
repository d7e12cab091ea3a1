# A few epochs of a small network: AdamW with a higher rate than the paper's, and a
# short memory of gradients. Configs add train_cfg.max_epochs, and the course of the
# learning rate, which depends on it.
_base_ = ['./adamw.py']
train_cfg = dict(type='ResumableEpochBasedTrainLoop')
val_cfg = dict()
test_cfg = dict()
optim_wrapper = dict(optimizer=dict(betas=(0.9, 0.99), weight_decay=0.05))
randomness = dict(seed=0)
