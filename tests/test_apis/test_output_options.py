import math

import pytest

from deforhmr_mm.apis.output_options import OutputOptions


def test_the_unit_of_bvh_files():
    assert OutputOptions.of('out').bvh_scale == 1
    options = OutputOptions.of('out', formats=['bvh', 'json'], bvh_scale=100)
    assert options.without(['json']).bvh_scale == 100
    for wrong in (0, -1, math.nan, math.inf):
        with pytest.raises(ValueError, match=f'bvh_scale.* positive .*got {wrong}'):
            OutputOptions.of('out', formats='bvh', bvh_scale=wrong)
    with pytest.raises(ValueError, match='bvh_scale=100 has no effect without bvh'):
        OutputOptions.of('out', bvh_scale=100)
