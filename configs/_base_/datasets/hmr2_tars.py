# The tars that HMR2.0 is trained on, and the share of an epoch that each folder has.
# Folders are those of 4D-Humans' hmr2/configs/datasets_tar.yaml, shares those of its
# hmr2/configs_hydra/data/mix_all.yaml (https://github.com/shubham-goel/4D-Humans). All
# tars that lie in a folder are read: not every release has as many of them.
hmr2_tar_shares = {
    'h36m-train': 0.1,
    'mpii-train': 0.1,
    'coco-train-2014-pruned': 0.1,
    'coco-train-2014-vitpose-pruned': 0.1,
    'mpi-inf-train-pruned': 0.02,
    'ava-train-midframes-1fps-vitpose': 0.19,
    'aic-train-vitpose': 0.19,
    'insta-train-vitpose-replicate': 0.2,
}

# The crop is HMR2.0's without a factor, so bbox_padding stays 1: its loader, too, goes
# by the width and height that a tar has. 4/3 is for its evaluation files of one number,
# which it takes for both. Boxes grow to 3:4 as in its demo and evaluation. Its training
# names no shape (MODEL.BBOX_SHAPE): its crop is as high as the longer side and 3/4 as
# wide. That is the same for people narrower than 3/4 of their height; others lose their
# sides there, and are cropped whole here, as in inference.
hmr2_tars = [
    dict(
        type='HMR2TarDataset',
        data_root='data/hmr2_training_data/dataset_tars/',
        ann_file=f'{folder}/*.tar',
    )
    for folder in hmr2_tar_shares
]
