"""Which visualizer `MeshInferencer` draws with."""

import gc
import weakref

import pytest

from deforhmr_mm.apis import MeshInferencer
from deforhmr_mm.registry import VISUALIZERS
from deforhmr_mm.visualization import MeshVisualizer


@pytest.fixture
def framed():
    """A visualizer of one's own, registered for one test."""

    class FramedVisualizer(MeshVisualizer):
        pass

    VISUALIZERS.register_module(module=FramedVisualizer)
    yield FramedVisualizer
    VISUALIZERS.module_dict.pop('FramedVisualizer')


def inferencer_with(tiny_model, visualizer):
    options = dict(visualizer=visualizer)
    return MeshInferencer(str(tiny_model.config), cfg_options=options, device='cpu')


def test_ones_own_is_kept_with_its_settings(tiny_model, framed):
    settings = dict(type='FramedVisualizer', alpha=0.5)
    inferencer = inferencer_with(tiny_model, settings)
    assert type(inferencer.visualizer) is framed
    assert inferencer.visualizer.alpha == 0.5
    faces = inferencer.model.body_model.faces
    assert inferencer.visualizer.faces is faces


@pytest.mark.parametrize('other', [{}, dict(type='Visualizer', save_dir='nowhere')])
def test_others_give_way(tiny_model, other):
    inferencer = inferencer_with(tiny_model, other)
    assert type(inferencer.visualizer) is MeshVisualizer


def test_it_goes_with_the_inferencer(tiny_model):
    visualizer = inferencer_with(tiny_model, {}).visualizer
    gone = weakref.ref(visualizer)
    del visualizer
    gc.collect()
    assert gone() is None
