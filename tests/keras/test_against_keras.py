"""The same weights in Keras and here: the same numbers. Needs Keras and PyTorch, which it computes with."""

import os
import warnings

import numpy as np
import pytest

from minidl import keras as ours

os.environ.setdefault("KERAS_BACKEND", "torch")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    theirs = pytest.importorskip("keras", reason="compares with Keras itself (pip install keras)")

pytestmark = pytest.mark.filterwarnings("ignore")  # Keras's own

LAYERS = {
    "picture": [
        *(f"Conv2D(4, (3, 2), strides={s}, padding='{p}')" for s in (1, 2, 3) for p in ("valid", "same")),
        *(f"Conv2DTranspose(4, {k}, strides={s}, padding='{p}')"
          for k in (1, 3, 4) for s in (1, 2, 3) for p in ("valid", "same")),
        "DepthwiseConv2D(3, padding='same', depth_multiplier=2)", "SeparableConv2D(4, 3, strides=2, padding='same')",
        "Conv2D(6, 3, dilation_rate=2, padding='same', groups=3)", "MaxPooling2D((3, 2), strides=2, padding='same')",
        "AveragePooling2D((2, 3), strides=2)", "GlobalAveragePooling2D()", "GlobalMaxPooling2D()",
        "BatchNormalization()", "BatchNormalization(axis=1)", "LayerNormalization()", "GroupNormalization(3)",
        "UpSampling2D((2, 3))", "UpSampling2D(2, interpolation='bilinear')", "ZeroPadding2D(((1, 2), (0, 1)))",
        "Cropping2D(1)", "Flatten()", "Reshape((-1, 3))", "Permute((3, 1, 2))", "PReLU()",
        "ReLU(max_value=0.6, negative_slope=0.1, threshold=0.2)", "LeakyReLU()", "ELU()", "Softmax()",
    ],
    "sequence": [
        *(f"{c}(5, {how})" for c in ("SimpleRNN", "LSTM", "GRU") for how in (
            "", "return_sequences=True, go_backwards=True", "return_state=True", "use_bias=False",
            "activation='relu'")),
        *(f"Bidirectional(L.{c}(3, return_sequences=True), merge_mode={m!r})"
          for c in ("LSTM", "GRU") for m in ("concat", "sum", "ave")),
        "GRU(5, reset_after=False)", "LSTM(5, recurrent_activation='hard_sigmoid')", "Conv1D(4, 3, padding='causal')",
        "Conv1DTranspose(4, 3, strides=2, padding='same')", "Dense(5, activation='gelu')",
        "TimeDistributed(L.Dense(3))", "LayerNormalization(axis=[1, 2])", "UpSampling1D(3)",
    ],
}  # fmt: skip


def close(a, b, tol=3e-5):
    np.testing.assert_allclose(np.asarray(a), np.asarray(b), rtol=tol, atol=tol)


def made(lib, text):
    return eval(f"L.{text}", {"L": lib.layers})


@pytest.mark.parametrize("kind, text", [(kind, text) for kind, texts in LAYERS.items() for text in texts])
def test_layers(kind, text, rng):
    x = rng.normal(size=(2, 9, 8, 3) if kind == "picture" else (3, 7, 4)).astype("float32")
    one, other = made(theirs, text), made(ours, text)
    one(x), other(x)
    weights = [np.abs(rng.normal(size=w.shape)).astype("float32") / 2 for w in one.weights]
    one.set_weights(weights), other.set_weights(weights)
    for training in (False, True):
        a, b = (layer(x, training=training) for layer in (one, other))
        for p, q in zip(a if isinstance(a, (list, tuple)) else [a], b if isinstance(b, (list, tuple)) else [b]):
            close(q.detach().numpy(), p.detach().numpy())
        for p, q in zip(one.get_weights(), other.get_weights()):
            close(q, p)
    if "return_state" not in text:
        shapes = [made(lib, text)(lib.Input(x.shape[1:])).shape for lib in (theirs, ours)]
        assert tuple(shapes[0]) == tuple(shapes[1])


def classifier(lib):
    return lib.Sequential([lib.Input((5,)), lib.layers.Dense(6, "tanh"), lib.layers.Dense(3, "softmax")])


def binary(lib):
    return lib.Sequential([
        lib.Input((5,)), lib.layers.Dense(6, "relu", kernel_regularizer="l2"), lib.layers.BatchNormalization(),
        lib.layers.Dense(1, "sigmoid"),
    ])  # fmt: skip


def tagger(lib):
    return lib.Sequential([
        lib.Input((5,), dtype="int32"), lib.layers.Embedding(10, 4, mask_zero=True),
        lib.layers.Bidirectional(lib.layers.GRU(3, return_sequences=True)), lib.layers.LSTM(3, return_sequences=True),
        lib.layers.Dense(3, "softmax"),
    ])  # fmt: skip


@pytest.mark.parametrize("settings", [
    "sgd", "adam", "rmsprop", "adagrad", "adadelta", "adamax", "nadam", "adamw", "lion", "SGD(0.1, 0.9, True)",
    "RMSprop(0.01, 0.8, 0.9, 1e-3, True)", "Adam(0.01, 0.8, 0.9, 1e-2, True)", "Adamax(0.01, 0.9, 0.99, 0.1)",
    "SGD(0.1, clipnorm=0.01)", "SGD(0.1, clipvalue=0.01)", "SGD(0.1, global_clipnorm=0.01)",
    "SGD(0.1, weight_decay=0.1)", "Adam(O.schedules.CosineDecay(0.1, 8))",
])  # fmt: skip
def test_optimizers(settings, rng):
    make = lambda lib: eval(f"O.{settings}", {"O": lib.optimizers}) if "(" in settings else settings
    trained(classifier, make, "sparse_categorical_crossentropy", ["accuracy"], rng, rng.integers(0, 3, 14))


@pytest.mark.parametrize("build, loss, metrics", [
    (binary, "binary_crossentropy", ["accuracy", "AUC", "Precision", "mae"]),
    (classifier, "sparse_categorical_crossentropy", ["acc"]),
    (tagger, "sparse_categorical_crossentropy", ["accuracy"]),
])  # fmt: skip
def test_training(build, loss, metrics, rng):
    y = rng.integers(0, 2 if build is binary else 3, (14, 5) if build is tagger else 14)
    trained(build, lambda lib: "adam", loss, metrics, rng, y, validation_split=0.3)


def trained(build, optimizer, loss, metrics, rng, y, **how):
    x = rng.integers(0, 5, (14, 5)) if build is tagger else rng.normal(size=(14, 5)).astype("float32")
    one, other = build(theirs), build(ours)
    other.set_weights(one.get_weights())
    histories = []
    for lib, model in ((theirs, one), (ours, other)):
        model.compile(optimizer=optimizer(lib), loss=loss, metrics=metrics)
        histories.append(model.fit(x, y, epochs=3, batch_size=4, shuffle=False, verbose=0, **how).history)
    assert set(histories[0]) == set(histories[1])
    for name, values in histories[0].items():
        close(histories[1][name], values, 3e-4)
    for a, b in zip(one.get_weights(), other.get_weights()):
        close(b, a, 3e-4)
    close(other.evaluate(x, y, verbose=0), one.evaluate(x, y, verbose=0), 3e-4)
    close(other.train_on_batch(x, y), one.train_on_batch(x, y), 3e-4)
