"""Parts of decoders."""

from .attention_recording import RecordedAttention, record_attention
from .deformable_cross_attention import DeformableCrossAttention, EncodedContext
from .deformable_decoder import DeformableDecoder, DeformableDecoderLayer
from .feature_shape import check_feature_shape
from .key_positions import LearnedKeyPosition, SineKeyPosition
from .mmcv_ops import im2col_step
from .ms_deform_cross_attention import FlatContext, MSDeformCrossAttention
from .offsets import OffsetNetwork
from .position_bias import SampledGridBias
from .samplers import AutoSampler, MMCVSampler, TorchSampler
from .token_decoder import TokenDecoder
from .token_grid import TokenGrid, conv_token_grid
from .tokenwise_linear import TokenwiseLinear

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
    'RecordedAttention',
    'SampledGridBias',
    'SineKeyPosition',
    'TokenDecoder',
    'TokenGrid',
    'TokenwiseLinear',
    'TorchSampler',
    'check_feature_shape',
    'conv_token_grid',
    'im2col_step',
    'record_attention',
]
