# The paper's model on EMDB 1, by its protocol: 24 joints, aligned at the hips, the
# truth posed with the body of the person's gender (docs/evaluation.md).
_base_ = ['./deforhmr_vit-h_2xb100-100e_mixed-256x192.py']

test_dataloader = dict(
    dataset=dict(
        ann_file='annotations/emdb1.npz',
        dataset_name='emdb',
        data_prefix=dict(img='emdb'),
    )
)
test_evaluator = dict(protocol='emdb')
