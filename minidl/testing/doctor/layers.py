"""Every layer of minidl.nn on sensible arguments: how to make it, and what to run it on."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ... import nn
from ...autograd import Tensor
from ...ops.samples import Sample, Values, distinct, ints, shapes


def on(*inputs: Any, low: float = -2.0, high: float = 2.0) -> Sample:
    return shapes(*inputs, low=low, high=high)


@dataclass(frozen=True)
class Layer:
    """How to make a layer, and what to run it on. The first input is always differentiated, targets need not be."""

    make: Callable[[], Any]
    inputs: Sample


D1, D2, D3 = (2, 2, 5), (1, 2, 4, 5), (1, 2, 3, 4, 3)  # one sample or two, two channels, and one, two, three axes
POSITIVE = Values((3, 4), 0.2, 2.0)
ONES = ints(3, low=1, high=2)  # labels of +1
PROBABILITIES = Values((3, 4), 0.1, 0.9)
LABELS = ints(3, high=4)
ACTIVATIONS = (
    "CELU", "ELU", "GELU", "Hardshrink", "Hardsigmoid", "Hardswish", "Hardtanh", "LeakyReLU", "LogSigmoid", "Mish",
    "PReLU", "ReLU", "ReLU6", "SELU", "Sigmoid", "SiLU", "Softplus", "Softshrink", "Softsign", "Tanh", "Tanhshrink",
    "Identity",
)  # fmt: skip


class CTCLossOfScores(nn.CTCLoss):
    """CTCLoss above log_softmax: as in PyTorch, the scores beneath get its derivative, the log-probabilities do not."""

    def forward(self, scores: Tensor, targets: Tensor, input_lengths: Any, target_lengths: Any) -> Tensor:
        return super().forward(scores.log_softmax(-1), targets, input_lengths, target_lengths)


def encoder() -> Any:
    return nn.TransformerEncoderLayer(4, 2, 3, dropout=0.0)


def decoder() -> Any:
    return nn.TransformerDecoderLayer(4, 2, 3, dropout=0.0)


def by_axes(name: str, *args: Any, axes: str = "123", **kwargs: Any) -> dict[str, Layer]:
    """A layer that there is for one, two and three axes."""
    given = {f"{name}{d}d": on((D1, D2, D3)[int(d) - 1]) for d in axes}
    maker = lambda name: lambda: getattr(nn, name)(*args, **kwargs)
    return {name: Layer(maker(name), inputs) for name, inputs in given.items()}


LAYERS: dict[str, Layer] = {
    **{name: Layer(getattr(nn, name), on((3, 4), low=-4, high=4)) for name in ACTIVATIONS},
    **by_axes("AdaptiveMaxPool", 2),
    **by_axes("Dropout", 0.4),
    **by_axes("ConvTranspose", 2, 3, 2, padding=1),
    **by_axes("CircularPad", 1),
    **by_axes("ConstantPad", 1, 0.5),
    **by_axes("InstanceNorm", 2, affine=True),
    **by_axes("LPPool", 2.0, 2),
    **by_axes("ReflectionPad", 1),
    **by_axes("ReplicationPad", 1),
    **by_axes("ZeroPad", 1),
    **by_axes("FractionalMaxPool", 2, output_ratio=0.7, axes="23"),
    **by_axes("UpsamplingBilinear", scale_factor=2, axes="2"),
    **by_axes("UpsamplingNearest", scale_factor=2, axes="2"),
    **by_axes("CrossMapLRN", 3, axes="2"),
    **by_axes("Softmax", axes="2"),
    "AdaptiveAvgPool3d": Layer(lambda: nn.AdaptiveAvgPool3d(2), on(D3)),
    "AdaptiveLogSoftmaxWithLoss": Layer(
        lambda: nn.AdaptiveLogSoftmaxWithLoss(4, 6, [2, 4], 2.0), on((3, 4), ints(3, high=6))
    ),
    "AlphaDropout": Layer(lambda: nn.AlphaDropout(0.4), on((3, 4))),
    "AvgPool3d": Layer(lambda: nn.AvgPool3d(2, 1), on(D3)),
    "BatchNorm3d": Layer(lambda: nn.BatchNorm3d(2), on((2, 2, 2, 2, 2))),
    "Bilinear": Layer(lambda: nn.Bilinear(3, 2, 2), on((4, 3), (4, 2))),
    "CTCLoss": Layer(
        CTCLossOfScores,
        on((5, 2, 4), ints(2, 2, low=1, high=4), ints(2, low=5, high=6), ints(2, low=2, high=3)),
    ),
    "ChannelShuffle": Layer(lambda: nn.ChannelShuffle(2), on((1, 4, 2, 2))),
    "Conv3d": Layer(lambda: nn.Conv3d(2, 2, 2), on(D3)),
    "CosineEmbeddingLoss": Layer(lambda: nn.CosineEmbeddingLoss(), on((3, 4), (3, 4), ONES)),
    "CosineSimilarity": Layer(lambda: nn.CosineSimilarity(), on((3, 4), (3, 4))),
    "EmbeddingBag": Layer(lambda: nn.EmbeddingBag(5, 3), on(ints(2, 4, high=5))),
    "FeatureAlphaDropout": Layer(lambda: nn.FeatureAlphaDropout(0.4), on((3, 4, 2))),
    "Fold": Layer(lambda: nn.Fold((3, 4), 2), on((1, 8, 6))),
    "GaussianNLLLoss": Layer(lambda: nn.GaussianNLLLoss(), on((3, 4), (3, 4), POSITIVE)),
    "GroupNorm": Layer(lambda: nn.GroupNorm(2, 4), on((2, 4, 3))),
    "HingeEmbeddingLoss": Layer(lambda: nn.HingeEmbeddingLoss(), on((3,), ONES)),
    "LinearCrossEntropyLoss": Layer(lambda: nn.LinearCrossEntropyLoss(3, 4), on((3, 3), LABELS)),
    "LocalResponseNorm": Layer(lambda: nn.LocalResponseNorm(3), on(D2)),
    "MarginRankingLoss": Layer(lambda: nn.MarginRankingLoss(), on((3,), (3,), ONES)),
    "MaxPool3d": Layer(lambda: nn.MaxPool3d(2), on(distinct(1, 2, 2, 4, 3))),
    "MaxUnpool1d": Layer(lambda: nn.MaxUnpool1d(2), on((1, 1, 3), ints(1, 1, 3, high=6, kind="permutation"))),
    "MaxUnpool2d": Layer(lambda: nn.MaxUnpool2d(2), on((1, 1, 2, 2), ints(1, 1, 2, 2, high=16, kind="permutation"))),
    "MaxUnpool3d": Layer(
        lambda: nn.MaxUnpool3d(2), on((1, 1, 1, 2, 2), ints(1, 1, 1, 2, 2, high=32, kind="permutation"))
    ),
    "MultiLabelMarginLoss": Layer(lambda: nn.MultiLabelMarginLoss(), on((3, 4), ints(3, 4, high=4))),
    "MultiLabelSoftMarginLoss": Layer(lambda: nn.MultiLabelSoftMarginLoss(), on((3, 4), ints(3, 4, high=2))),
    "MultiMarginLoss": Layer(lambda: nn.MultiMarginLoss(), on((3, 4), LABELS)),
    "NLLLoss2d": Layer(lambda: nn.NLLLoss2d(), on((2, 3, 2, 2), ints(2, 2, 2, high=3))),
    "PairwiseDistance": Layer(lambda: nn.PairwiseDistance(), on((3, 4), (3, 4))),
    "PixelShuffle": Layer(lambda: nn.PixelShuffle(2), on((1, 4, 2, 3))),
    "PixelUnshuffle": Layer(lambda: nn.PixelUnshuffle(2), on((1, 1, 4, 2))),
    "PoissonNLLLoss": Layer(lambda: nn.PoissonNLLLoss(), on((3, 4), POSITIVE)),
    "RMSNorm": Layer(lambda: nn.RMSNorm(4), on((4, 4))),
    "RReLU": Layer(lambda: nn.RReLU(), on((3, 4))),
    "SoftMarginLoss": Layer(lambda: nn.SoftMarginLoss(), on((3,), ONES)),
    "TripletMarginLoss": Layer(lambda: nn.TripletMarginLoss(), on((3, 4), (3, 4), (3, 4))),
    "TripletMarginWithDistanceLoss": Layer(lambda: nn.TripletMarginWithDistanceLoss(), on((3, 4), (3, 4), (3, 4))),
    "Unfold": Layer(lambda: nn.Unfold(2), on(D2)),
    "Upsample": Layer(lambda: nn.Upsample(scale_factor=2, mode="bilinear"), on((1, 2, 2, 3))),
    "AdaptiveAvgPool1d": Layer(lambda: nn.AdaptiveAvgPool1d(3), on((2, 2, 5))),
    "AdaptiveAvgPool2d": Layer(lambda: nn.AdaptiveAvgPool2d((2, 3)), on((2, 2, 4, 5))),
    "AvgPool1d": Layer(lambda: nn.AvgPool1d(3, 2, 1), on((2, 2, 5))),
    "AvgPool2d": Layer(lambda: nn.AvgPool2d((2, 3), 2, 1), on((1, 2, 5, 5))),
    "BCELoss": Layer(lambda: nn.BCELoss(), on(PROBABILITIES, PROBABILITIES)),
    "BCEWithLogitsLoss": Layer(lambda: nn.BCEWithLogitsLoss(), on((3, 4), PROBABILITIES)),
    "BatchNorm1d": Layer(lambda: nn.BatchNorm1d(4), on((4, 4))),
    "BatchNorm2d": Layer(lambda: nn.BatchNorm2d(2), on((2, 2, 3, 3))),
    "Conv1d": Layer(lambda: nn.Conv1d(2, 3, 3, padding=1), on((2, 2, 5))),
    "Conv2d": Layer(lambda: nn.Conv2d(2, 3, (3, 2), stride=(1, 2), padding=1), on((2, 2, 4, 4))),
    "CrossEntropyLoss": Layer(lambda: nn.CrossEntropyLoss(label_smoothing=0.1), on((3, 4), LABELS)),
    "Dropout": Layer(lambda: nn.Dropout(0.4), on((3, 4))),
    "Embedding": Layer(lambda: nn.Embedding(5, 3), on(ints(2, 4, high=5))),
    "GRU": Layer(lambda: nn.GRU(3, 2), on((3, 2, 3), (1, 2, 2))),
    "GRUCell": Layer(lambda: nn.GRUCell(3, 2), on((2, 3), (2, 2))),
    "LSTM": Layer(lambda: nn.LSTM(2, 2, bidirectional=True), on((3, 2, 2))),
    "LSTMCell": Layer(lambda: nn.LSTMCell(3, 2), on((2, 3))),
    "MultiheadAttention": Layer(lambda: nn.MultiheadAttention(4, 2), on((3, 2, 4), (2, 2, 4), (2, 2, 4))),
    "RNN": Layer(lambda: nn.RNN(3, 2, num_layers=2), on((3, 2, 3))),
    "RNNCell": Layer(lambda: nn.RNNCell(3, 2), on((2, 3), (2, 2))),
    "Transformer": Layer(lambda: nn.Transformer(3, 1, 1, 1, 2, dropout=0.0), on((3, 1, 3), (2, 1, 3))),
    "TransformerDecoder": Layer(lambda: nn.TransformerDecoder(decoder(), 1), on((2, 2, 4), (3, 2, 4))),
    "TransformerDecoderLayer": Layer(lambda: decoder(), on((2, 2, 4), (3, 2, 4))),
    "TransformerEncoder": Layer(lambda: nn.TransformerEncoder(encoder(), 1, enable_nested_tensor=False), on((3, 2, 4))),
    "TransformerEncoderLayer": Layer(lambda: encoder(), on((3, 2, 4))),
    "Flatten": Layer(lambda: nn.Flatten(), on((2, 3, 4))),
    "GLU": Layer(lambda: nn.GLU(), on((3, 4))),
    "HuberLoss": Layer(lambda: nn.HuberLoss(delta=0.7), on((3, 4), (3, 4))),
    "KLDivLoss": Layer(lambda: nn.KLDivLoss(reduction="batchmean"), on((3, 4), PROBABILITIES)),
    "L1Loss": Layer(lambda: nn.L1Loss(), on((3, 4), (3, 4))),
    "LearnedPositions": Layer(lambda: nn.LearnedPositions(5, 4), on((3, 2, 4))),
    "RotaryPositions": Layer(lambda: nn.RotaryPositions(4), on((2, 3, 4))),
    "SinusoidalPositions": Layer(lambda: nn.SinusoidalPositions(4), on((3, 2, 4))),
    "LayerNorm": Layer(lambda: nn.LayerNorm(4), on((4, 4))),
    "Linear": Layer(lambda: nn.Linear(4, 3), on((5, 4))),
    "LogSoftmax": Layer(lambda: nn.LogSoftmax(-1), on((3, 4))),
    "MSELoss": Layer(lambda: nn.MSELoss(), on((3, 4), (3, 4))),
    "MaxPool1d": Layer(lambda: nn.MaxPool1d(3, 2, 1), on((2, 2, 5))),
    "MaxPool2d": Layer(lambda: nn.MaxPool2d(2), on((1, 2, 4, 5))),
    "NLLLoss": Layer(lambda: nn.NLLLoss(), on((3, 4), LABELS)),
    "Sequential": Layer(lambda: nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)), on((5, 3))),
    "SmoothL1Loss": Layer(lambda: nn.SmoothL1Loss(beta=0.7), on((3, 4), (3, 4))),
    "Softmax": Layer(lambda: nn.Softmax(-1), on((3, 4))),
    "Softmin": Layer(lambda: nn.Softmin(-1), on((3, 4))),
    "Threshold": Layer(lambda: nn.Threshold(0.3, 2.0), on((3, 4))),
    "Unflatten": Layer(lambda: nn.Unflatten(1, (2, -1)), on((3, 4))),
}
