"""Registries of deforhmr_mm, each a child of mmpose's registry of the same kind.

A config with ``default_scope = 'deforhmr_mm'`` finds our parts first, then whatever of
mmpose's and mmengine's is imported; a part of another code base is named with its scope
(``mmpose.HRNet``). `locations` are the modules that are imported the first time that a
registry is asked, so that importing this file imports no part of the toolbox.
"""

from deforhmr_mm.dependencies import check_dependencies

check_dependencies()

from mmengine.config.utils import MODULE2PACKAGE  # noqa: E402
from mmengine.registry import Registry  # noqa: E402
from mmpose import registry as mmpose_registry  # noqa: E402

__all__ = [
    'DATASETS',
    'DATA_SAMPLERS',
    'HOOKS',
    'INFERENCERS',
    'LOG_PROCESSORS',
    'LOOPS',
    'METRICS',
    'MODELS',
    'MODEL_WRAPPERS',
    'OPTIMIZERS',
    'OPTIM_WRAPPERS',
    'OPTIM_WRAPPER_CONSTRUCTORS',
    'PARAM_SCHEDULERS',
    'TRANSFORMS',
    'VISBACKENDS',
    'VISUALIZERS',
    'WEIGHT_INITIALIZERS',
]


# Configs that lie anywhere build on ours by `_base_ = 'deforhmr_mm::FOLDER/NAME.py'`,
# which mmengine reads from the package's .mim/configs, but only of packages in this
# table. It is to hold a distribution's name, whose folder stock mmengine takes for the
# package's: in an editable installation there is nothing. Of a name that no
# distribution has, every mmengine asks Python where it is imported from, and takes the
# folder of that file.
MODULE2PACKAGE.setdefault('deforhmr_mm', __name__)


def _child(parent: Registry, *locations: str) -> Registry:
    return Registry(
        parent.name,
        parent=parent,
        scope='deforhmr_mm',
        locations=[f'deforhmr_mm.{location}' for location in locations],
    )


# Networks, losses and body models: whatever is an nn.Module.
MODELS = _child(mmpose_registry.MODELS, 'body_models', 'models')
MODEL_WRAPPERS = _child(mmpose_registry.MODEL_WRAPPERS, 'models')
# Checkpoints are opened by the engine.
WEIGHT_INITIALIZERS = _child(mmpose_registry.WEIGHT_INITIALIZERS, 'engine')

# Data.
# Features from a cache are read by the engine, which writes them.
DATASETS = _child(mmpose_registry.DATASETS, 'datasets', 'engine')
DATA_SAMPLERS = _child(mmpose_registry.DATA_SAMPLERS, 'datasets')
TRANSFORMS = _child(mmpose_registry.TRANSFORMS, 'datasets.transforms')

# Training and evaluation.
HOOKS = _child(mmpose_registry.HOOKS, 'engine')
LOOPS = _child(mmpose_registry.LOOPS, 'engine')
OPTIMIZERS = _child(mmpose_registry.OPTIMIZERS, 'engine')
OPTIM_WRAPPERS = _child(mmpose_registry.OPTIM_WRAPPERS, 'engine')
OPTIM_WRAPPER_CONSTRUCTORS = _child(
    mmpose_registry.OPTIM_WRAPPER_CONSTRUCTORS, 'engine'
)
PARAM_SCHEDULERS = _child(mmpose_registry.PARAM_SCHEDULERS, 'engine')
METRICS = _child(mmpose_registry.METRICS, 'evaluation')
# mmengine warns of a scope that lacks a kind of registry, though nothing is missing.
LOG_PROCESSORS = _child(mmpose_registry.LOG_PROCESSORS, 'engine')

# Pictures and inference.
VISUALIZERS = _child(mmpose_registry.VISUALIZERS, 'visualization')
VISBACKENDS = _child(mmpose_registry.VISBACKENDS, 'visualization')
INFERENCERS = _child(mmpose_registry.INFERENCERS, 'apis')
