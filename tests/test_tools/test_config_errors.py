"""What tools say of configs that are not there, cannot be read, or are of a cache."""

import pytest

NO_CACHE = """
default_scope = 'deforhmr_mm'
test_evaluator = dict(type='MeshMetric')
train_dataloader = test_dataloader = dict(
    dataset=dict(type='CachedFeatureDataset', cache_dir='my_cache', pipeline=[]))
"""
MEAN_BODY = 'analysis_tools/mean_body'
MEAN_PARAMS = 'misc/mean_params'
CHECK_DATASET = 'misc/check_dataset'
TOOLS = {
    MEAN_BODY: (),
    MEAN_PARAMS: ('--out', 'means.npz'),
    CHECK_DATASET: (),
    'misc/browse_dataset': (),
    'analysis_tools/get_flops': (),
    'analysis_tools/benchmark_decoder': (),
}


@pytest.mark.parametrize(('tool', 'options'), TOOLS.items())
def test_a_config_that_cannot_be_read(
    frozen_tool, one_line_error, tmp_path, tool, options
):
    result = frozen_tool(tool, 'nowhere.py', *options)
    one_line_error(result, 'The config file nowhere.py does not exist.')
    broken = tmp_path / 'broken.py'
    broken.write_text('model = dict(')
    one_line_error(frozen_tool(tool, broken, *options), 'was never closed')


@pytest.mark.parametrize('tool', [MEAN_BODY, MEAN_PARAMS, CHECK_DATASET])
def test_labels_are_not_sought_in_a_cache(frozen_tool, tmp_path, tool):
    config = tmp_path / 'cached.py'
    config.write_text(NO_CACHE)
    result = frozen_tool(tool, config, *TOOLS[tool])
    # The text of a SystemExit is written, and the code is 1, where a program ends.
    text = result.stderr if result.returncode == 1 else result.returncode
    assert text.startswith('error: ') and 'Traceback' not in text
    assert '(my_cache): give the config that the cache was made with' in text


def test_a_metric_of_bodies_is_asked_for(frozen_tool, one_line_error, tmp_path):
    config = tmp_path / 'other.py'
    config.write_text("default_scope = 'deforhmr_mm'\ntest_evaluator = []\n")
    one_line_error(frozen_tool(MEAN_BODY, config), 'test_evaluator has no MeshMetric')
