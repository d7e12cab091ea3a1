"""Parts of decoders."""

from .deformable_cross_attention import DeformableCrossAttention, EncodedContext
from .deformable_decoder import DeformableDecoder, DeformableDecoderLayer
from .offsets import OffsetNetwork
from .position_bias import SampledGridBias
from .token_decoder import TokenDecoder

__all__ = [
    'DeformableCrossAttention',
    'DeformableDecoder',
    'DeformableDecoderLayer',
    'EncodedContext',
    'OffsetNetwork',
    'SampledGridBias',
    'TokenDecoder',
]
