"""Options of train.py, by what they do to a very small training."""

import numpy as np
import pytest
import torch

from deforhmr_mm.engine.checkpoints import load_checkpoint_safely
from tests.tiny_training import losses, metrics

SHORT = ('train_cfg.max_epochs=1', 'param_scheduler=None')


def learning_rates(path):
    groups = load_checkpoint_safely(path)['optimizer']['param_groups']
    return {group['lr'] for group in groups}


def test_auto_scale_lr(train, training_folder):
    """Batches of 2 where the learning rate of 1e-3 is for 8."""
    base = 'auto_scale_lr.base_batch_size=8'
    train('scaled', *SHORT, base, flags=['--auto-scale-lr'])
    rates = learning_rates(training_folder / 'scaled' / 'iter_8.pth')
    assert rates == {0.25e-3}
    train('unscaled', *SHORT, base)
    rates = learning_rates(training_folder / 'unscaled' / 'iter_8.pth')
    assert rates == {1e-3}


def test_auto_scale_lr_needs_a_base(train, capfd):
    with pytest.raises(SystemExit):
        train('unscalable', flags=['--auto-scale-lr'])
    assert 'base_batch_size' in capfd.readouterr().err


def test_without_validation_there_are_no_scores(train, training_folder):
    train('unscored', *SHORT, flags=['--no-validate'])
    assert metrics(training_folder / 'unscored') == {}
    assert len(losses(training_folder / 'unscored')) == 8


def test_a_frozen_encoder_stays_as_it_is(train, training_folder):
    options = (*SHORT, 'model.backbone.frozen=True', 'custom_hooks=[]')
    train('frozen', *options, 'default_hooks.checkpoint.interval=1')
    first, last = (
        load_checkpoint_safely(training_folder / 'frozen' / f'iter_{step}.pth')
        for step in (6, 8)
    )
    changed = {
        name
        for name, weight in first['state_dict'].items()
        if not weight.equal(last['state_dict'][name])
    }
    assert changed and not any(name.startswith('backbone.') for name in changed)


def test_pictures_and_curves_go_to_the_backends(train, training_folder):
    train(
        'pictures',
        *SHORT,
        'custom_hooks.1.type=MeshVisualizationHook',
        'custom_hooks.1.num_samples=2',
    )
    work_dir = training_folder / 'pictures'
    pictures = sorted(path.name for path in work_dir.glob('*/vis_data/vis_image/*'))
    assert pictures == ['val_0_8.png', 'val_15_8.png']
    assert len(losses(work_dir)) == 8


def test_labels_of_another_body_end_it_before_it_begins(train, training_folder, capfd):
    people = dict(np.load(training_folder / 'people.npz'))
    path = training_folder / 'others.npz'
    np.savez(path, **people, body_fingerprint='feedfeedfeedfeed')
    with pytest.raises(SystemExit):
        train('others', *SHORT, 'train_dataloader.dataset.ann_file=others.npz')
    error = capfd.readouterr().err
    assert 'labels of others belong to the body feedfeedfeedfeed' in error
    assert 'Traceback' not in error


def assert_ends_with_one_line(train, capfd, options, part):
    with pytest.raises(SystemExit):
        train('mistaken', *options)
    error = capfd.readouterr().err
    assert 'Traceback' not in error
    (line,) = (x for x in error.splitlines() if x.startswith('error: '))
    assert part in line


@pytest.mark.parametrize(
    ('options', 'part'),
    [
        (['optim_wrapper.optimizer.type=AdamWW'], "no optimizer is called 'AdamWW'"),
        (['param_scheduler.1.type=LinearLRR'], 'LinearLRR'),
    ],
)
def test_a_mistake_in_the_schedule_is_one_line(train, capfd, options, part):
    assert_ends_with_one_line(train, capfd, options, part)


def test_a_wrong_encoder_file_is_one_line(
    train, training_folder, capfd, running_pickle
):
    source = 'model.backbone.init_cfg'
    options = [
        'model.backbone.frozen=True',
        f'{source}.type=Pretrained',
        f'{source}.checkpoint=encoder.pth',
    ]
    assert_ends_with_one_line(train, capfd, options, 'encoder.pth does not exist')
    path = training_folder / 'encoder.pth'
    torch.save({'state_dict': {}, 'extra': running_pickle}, path)
    assert_ends_with_one_line(train, capfd, options, 'cannot be opened safely')
    torch.save({'state_dict': {}}, path)
    assert_ends_with_one_line(train, capfd, options, 'weights of the frozen encoder')
