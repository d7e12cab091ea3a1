"""Parts of decoders."""

from .deformable_cross_attention import DeformableCrossAttention, EncodedContext
from .deformable_decoder import DeformableDecoder, DeformableDecoderLayer
from .feature_shape import check_feature_shape
from .key_positions import LearnedKeyPosition, SineKeyPosition
from .ms_deform_cross_attention import FlatContext, MSDeformCrossAttention
from .offsets import OffsetNetwork
from .position_bias import SampledGridBias
from .samplers import AutoSampler, MMCVSampler, TorchSampler, im2col_step
from .token_decoder import TokenDecoder

__all__ = [
    'AutoSampler',
    'DeformableCrossAttention',
    'DeformableDecoder',
    'DeformableDecoderLayer',
    'EncodedContext',
    'FlatContext',
    'LearnedKeyPosition',
    'MMCVSampler',
    'MSDeformCrossAttention',
    'OffsetNetwork',
    'SampledGridBias',
    'SineKeyPosition',
    'TokenDecoder',
    'TorchSampler',
    'check_feature_shape',
    'im2col_step',
]
