"""Which values of a config say where data are, how long to train, in what batches."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LOADERS = ('train_dataloader', 'val_dataloader', 'test_dataloader')
# Of a backbone's config: what its weights fit into does not depend on these.
NOT_ARCHITECTURE = ('drop_path_rate', 'frozen', 'init_cfg')


def data_options(config: Mapping[str, Any], root: Path) -> dict[str, str]:
    """Let all data sets of a config, and evaluators with annotations, read a folder.

    Args:
        config: With ``data_root`` in its data sets; ``ann_file`` of an evaluator lies
            under that folder.
        root: The folder.

    Returns:
        Options that set what differs.
    """
    options = {}
    for loader in LOADERS:
        for key, own in _data_roots(config.get(loader) or {}, loader):
            if Path(own) == root:
                continue
            options[key] = f'{root}/'
            name = loader.replace('dataloader', 'evaluator')
            for place, file in _evaluator_files(config.get(name), name):
                if Path(file).is_relative_to(own):
                    options[place] = str(root / Path(file).relative_to(own))
    return options


def _data_roots(node: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping):
        if isinstance(node.get('data_root'), str):
            yield f'{name}.data_root', node['data_root']
        for key in ('dataset', 'datasets'):
            yield from _data_roots(node.get(key), f'{name}.{key}')
    elif isinstance(node, list | tuple):
        for index, item in enumerate(node):
            yield from _data_roots(item, f'{name}.{index}')


def _evaluator_files(node: Any, name: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, Mapping) and isinstance(node.get('ann_file'), str):
        yield f'{name}.ann_file', node['ann_file']
    elif isinstance(node, list | tuple):
        for index, item in enumerate(node):
            yield from _evaluator_files(item, f'{name}.{index}')


def own_epochs(config: Mapping[str, Any], path: str) -> int:
    """How many epochs a config trains.

    Args:
        config: The config.
        path: Its file, for the error.

    Raises:
        ValueError: It does not train by epochs.
    """
    epochs = (config.get('train_cfg') or {}).get('max_epochs')
    if not isinstance(epochs, int):
        raise ValueError(
            f'{path}: train_cfg.max_epochs: expected a number, got {epochs!r}'
        )
    return epochs


def validates_at_end(config: Mapping[str, Any], epochs: int) -> bool:
    """Whether a training validates after its last epoch, and keeps what comes out.

    Args:
        config: The config.
        epochs: How many it trains.
    """
    if not config.get('val_dataloader'):
        return False
    begin = (config.get('train_cfg') or {}).get('val_begin', 1)
    # mmengine's default is the backend whose files tell of it.
    backends = (config.get('visualizer') or {}).get('vis_backends')
    kept = backends is None or any(b['type'] == 'LocalVisBackend' for b in backends)
    return begin <= epochs and kept


def length_options(config: Mapping[str, Any], own: int, epochs: int) -> dict[str, Any]:
    """Let a config train for another number of epochs.

    Schedules that count epochs are stretched or shortened with it; those that count
    iterations (a warm-up) are not.

    Args:
        config: The config.
        own: Epochs that it trains.
        epochs: Epochs that it is to train.

    Returns:
        Options that set what differs.

    Example:
        >>> cosine = {'type': 'CosineAnnealingLR', 'T_max': 10}
        >>> config = {'train_cfg': {}, 'param_scheduler': [cosine]}
        >>> length_options(config, 10, 4)
        {'train_cfg.max_epochs': 4, 'param_scheduler.0.T_max': 4}
    """
    if epochs == own:
        return {}
    options: dict[str, Any] = {'train_cfg.max_epochs': epochs}
    if config['train_cfg'].get('val_interval', 1) > epochs:
        options['train_cfg.val_interval'] = epochs
    for index, schedule in enumerate(config.get('param_scheduler') or []):
        if not schedule.get('by_epoch', True):
            continue
        name = f'param_scheduler.{index}'
        for key in ('T_max', 'end'):
            # mmengine's default for `end` is "never", a very large number.
            if isinstance(schedule.get(key), int) and schedule[key] <= own:
                options[f'{name}.{key}'] = _scaled(schedule[key], own, epochs)
        if schedule.get('begin'):
            # mmengine refuses schedules that end where they begin.
            last = options.get(f'{name}.end', epochs) - 1
            begin = round(schedule['begin'] * epochs / own)
            options[f'{name}.begin'] = min(begin, last)
        if 'milestones' in schedule:
            steps = [_scaled(step, own, epochs) for step in schedule['milestones']]
            options[f'{name}.milestones'] = f'[{",".join(map(str, steps))}]'
    return options


def _scaled(step: int, own: int, epochs: int) -> int:
    return max(1, round(step * epochs / own))


def batch_options(
    config: Mapping[str, Any], processes: int, path: str, batch: int | None = None
) -> dict[str, int]:
    """Deal a batch out to several processes.

    Args:
        config: With ``auto_scale_lr.base_batch_size``, or else the batch is that of
            ``train_dataloader``.
        processes: How many train together.
        path: The config's file, for the error.
        batch: Of all processes; by default the one that the learning rate is for.

    Returns:
        Options that set what differs.

    Raises:
        ValueError: The batch cannot be dealt out evenly.
    """
    own = config['train_dataloader']['batch_size']
    total = batch or (config.get('auto_scale_lr') or {}).get('base_batch_size', own)
    if total % processes:
        raise ValueError(
            f'{path}: the batch of {total} cannot be dealt out evenly to {processes} '
            'processes; choose another --procs'
        )
    share = total // processes
    return {} if share == own else {'train_dataloader.batch_size': share}


def check_backbone(
    config: Mapping[str, Any], whole: Mapping[str, Any], path: str
) -> None:
    """Refuse to train an encoder that the model of the heads cannot take.

    Args:
        config: Of the encoder's training.
        whole: Of the model.
        path: The first one's file, for the error.

    Raises:
        ValueError: Their ``model.backbone`` differ in architecture.
    """
    got, wanted = _architecture(config), _architecture(whole)
    if got != wanted:
        raise ValueError(
            f'--stage1-config: {path}: model.backbone: expected that of the heads, '
            f'{wanted}, got {got}; choose a config with the same one'
        )


def _architecture(config: Mapping[str, Any]) -> dict[str, Any]:
    backbone = (config.get('model') or {}).get('backbone') or {}
    chosen = {k: v for k, v in backbone.items() if k not in NOT_ARCHITECTURE}
    # Lists and tuples say the same.
    return json.loads(json.dumps(chosen, default=str))


def check_option_value(flag: str, path: Path | None) -> None:
    """Refuse paths that ``--cfg-options`` would take apart.

    Raises:
        ValueError: If there is a space, comma, bracket or quote in it.
    """
    if path is not None and set(str(path)) & set(' ,()[]\'"'):
        raise ValueError(
            f'{flag}: expected a path without spaces, commas, brackets and quotes, '
            f'which --cfg-options cannot hand on, got {str(path)!r}'
        )


def as_arguments(options: Mapping[str, object]) -> list[str]:
    """Options as a command line takes them; none give none.

    Example:
        >>> as_arguments({'a.b': 1})
        ['--cfg-options', 'a.b=1']
    """
    pairs = [f'{key}={value}' for key, value in options.items()]
    return ['--cfg-options', *pairs] if pairs else []
