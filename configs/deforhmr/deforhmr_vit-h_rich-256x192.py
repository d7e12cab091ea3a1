# The paper's model on RICH's test set, the paper's second. What the converter makes
# of RICH are joints, SMPL's of SMPL-X's surface (docs/datasets.md), so that there are
# errors of joints and none of vertices, and gendered bodies are not needed.
_base_ = ['./deforhmr_vit-h_2xb100-100e_mixed-256x192.py']

test_dataloader = dict(
    dataset=dict(
        ann_file='annotations/rich_test.npz',
        dataset_name='rich',
        data_prefix=dict(img='rich'),
    )
)
test_evaluator = dict(
    _delete_=True,
    type='MeshMetric',
    protocol='rich',
    truth='joints',
    body_model={{_base_.body_model}},
)
