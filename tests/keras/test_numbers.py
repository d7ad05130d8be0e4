"""Keras's numbers, from its formulas, written out in NumPy."""

import math

import numpy as np
import pytest

import minidl
from minidl.keras import datasets, layers, losses, metrics, models, optimizers, utils


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def filled(layer, x, rng):
    """The layer built for x, with weights drawn anew; and those."""
    layer(x)
    weights = [rng.normal(size=w.shape).astype("float32") for w in layer.get_weights()]
    layer.set_weights(weights)
    return layer(x).detach().numpy(), weights


def close(a, b, **how):
    np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-5, **how)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [1, 2, 3])
def test_convolution_and_pooling_with_keras_padding(rng, padding, stride):
    x = rng.normal(size=(2, 7, 8, 3)).astype("float32")
    y, (kernel, bias) = filled(layers.Conv2D(4, (3, 2), strides=stride, padding=padding), x, rng)
    biggest = layers.MaxPooling2D((3, 2), strides=stride, padding=padding)(x).numpy()
    mean = layers.AveragePooling2D((3, 2), strides=stride, padding=padding)(x).numpy()
    starts = []
    for n, k in ((7, 3), (8, 2)):
        places = math.ceil(n / stride) if padding == "same" else (n - k) // stride + 1
        total = max((places - 1) * stride + k - n, 0) if padding == "same" else 0
        starts.append([p * stride - total // 2 for p in range(places)])
    assert y.shape == (2, len(starts[0]), len(starts[1]), 4)
    for i, a in enumerate(starts[0]):
        for j, b in enumerate(starts[1]):
            inside = [(p, q) for p in range(3) for q in range(2) if 0 <= a + p < 7 and 0 <= b + q < 8]
            seen = np.stack([x[:, a + p, b + q] for p, q in inside])
            close(y[:, i, j], bias + sum(v @ kernel[p, q] for v, (p, q) in zip(seen, inside)))
            close(biggest[:, i, j], seen.max(0))
            close(mean[:, i, j], seen.mean(0))


@pytest.mark.parametrize("padding, stride, k", [("same", 2, 3), ("same", 2, 4), ("valid", 2, 3), ("same", 3, 1)])
def test_transposed_convolution(rng, padding, stride, k):
    x = rng.normal(size=(1, 4, 2)).astype("float32")
    y, (kernel, bias) = filled(layers.Conv1DTranspose(3, k, strides=stride, padding=padding), x, rng)
    whole = np.zeros((1, 3 * stride + max(k, stride), 3))
    for t in range(4):
        for i in range(k):
            whole[:, t * stride + i] += x[:, t] @ kernel[i].T
    left = max(k - stride, 0) // 2 if padding == "same" else 0
    close(y, (whole[:, left : left + 4 * stride] if padding == "same" else whole) + bias)


def test_depthwise_and_separable_convolution(rng):
    x = rng.normal(size=(2, 5, 5, 3)).astype("float32")
    y, (depth, point, bias) = filled(layers.SeparableConv2D(4, 3, depth_multiplier=2), x, rng)
    middle = np.zeros((2, 3, 3, 3, 2))
    for p in range(3):
        for q in range(3):
            middle += x[:, p : p + 3, q : q + 3, :, None] * depth[p, q]
    close(y, middle.reshape(2, 3, 3, 6) @ point[0, 0] + bias)


def lstm_step(a, h, c, n):
    i, f, g, o = sigmoid(a[:, :n]), sigmoid(a[:, n : 2 * n]), np.tanh(a[:, 2 * n : 3 * n]), sigmoid(a[:, 3 * n :])
    c = f * c + i * g
    return o * np.tanh(c), c


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU", "GRU before"])
def test_recurrent_layers(rng, kind, masked):
    x = rng.normal(size=(2, 5, 3)).astype("float32")
    mask = np.array([[1, 1, 0, 1, 0], [0, 1, 1, 1, 1]], bool) if masked else np.ones((2, 5), bool)
    settings = {"reset_after": False} if kind == "GRU before" else {}
    layer = getattr(layers, kind.split()[0])(4, return_sequences=True, **settings)
    _, (W, R, b) = filled(layer, x, rng)
    y = layer(x, mask=minidl.tensor(mask) if masked else None)
    h, c, out, n = np.zeros((2, 4)), np.zeros((2, 4)), np.zeros((2, 4)), 4
    for t in range(5):
        if kind == "SimpleRNN":
            new, memory = np.tanh(x[:, t] @ W + h @ R + b), c
        elif kind == "LSTM":
            new, memory = lstm_step(x[:, t] @ W + h @ R + b, h, c, n)
        else:
            after = kind == "GRU"
            a = x[:, t] @ W + (b[0] if after else b)
            s = h @ R + (b[1] if after else 0)
            z, r = sigmoid(a[:, :n] + s[:, :n]), sigmoid(a[:, n : 2 * n] + s[:, n : 2 * n])
            inner = r * s[:, 2 * n :] if after else (r * h) @ R[:, 2 * n :]
            new, memory = z * h + (1 - z) * np.tanh(a[:, 2 * n :] + inner), c
        seen = mask[:, t, None]
        h, c, out = np.where(seen, new, h), np.where(seen, memory, c), np.where(seen, new, out)
        close(y[:, t].detach().numpy(), out, err_msg=f"step {t}")


def test_weights_have_keras_shapes_order_and_initial_values():
    model = models.Sequential([
        layers.Input((6, 5)),
        layers.Bidirectional(layers.LSTM(4, return_sequences=True)),
        layers.GRU(3),
        layers.BatchNormalization(),
        layers.Dense(2),
    ])
    lstm, gru = [(5, 16), (4, 16), (16,)], [(8, 9), (3, 9), (2, 9)]
    assert [w.shape for w in model.get_weights()] == [*lstm, *lstm, *gru, (3,), (3,), (3,), (3,), (3, 2), (2,)]
    kernel, recurrent, bias = model.get_weights()[:3]
    assert np.array_equal(bias, [0] * 4 + [1] * 4 + [0] * 8)  # the forget gate's starts at one
    assert np.abs(kernel).max() <= math.sqrt(6 / (5 + 16))  # Glorot's bound
    close(recurrent @ recurrent.T, np.eye(4))
    assert [w.shape for w in model.non_trainable_weights] == [(3,), (3,)]
    for other, given in zip(model.weights, model.get_weights()):
        assert np.array_equal(other.numpy(), given)


def test_batch_normalization_moves_towards_the_biased_variance(rng):
    x = rng.normal(size=(6, 2, 3)).astype("float32") * 3 + 1
    layer = layers.BatchNormalization()
    y = layer(x, training=True).detach().numpy()
    rows = x.reshape(-1, 3)
    close(y.reshape(-1, 3), (rows - rows.mean(0)) / np.sqrt(rows.var(0) + 1e-3))
    close(layer.get_weights()[2], 0.01 * rows.mean(0))
    close(layer.get_weights()[3], 0.99 + 0.01 * rows.var(0))
    mean, var = layer.get_weights()[2:]
    close(layer(x).detach().numpy(), (x - mean) / np.sqrt(var + 1e-3))
    layer.trainable = False
    close(layer(x, training=True).detach().numpy(), (x - mean) / np.sqrt(var + 1e-3))
    z = layers.LayerNormalization()(x).detach().numpy()
    close(z, (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-3))


def test_losses_keep_away_from_the_logarithm_of_zero():
    assert np.isclose(float(losses.BinaryCrossentropy()([[1.0]], [[0.0]])), -math.log(1e-7), rtol=1e-4)
    assert np.isclose(float(losses.SparseCategoricalCrossentropy()([1], [[1.0, 0.0]])), -math.log(1e-7), rtol=1e-4)
    p = np.array([[0.2, 0.6], [0.1, 0.1]], "float32")  # rows that do not add up to one are made to
    close(float(losses.CategoricalCrossentropy()([[0, 1], [1, 0]], p)), -(math.log(0.75) + math.log(0.5)) / 2)
    logits = np.array([[1.0, -2.0], [0.5, 3.0]], "float32")
    close(
        float(losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.2)([[1, 0], [0, 1]], logits)),
        float(np.mean(-(np.array([[0.9, 0.1], [0.1, 0.9]]) * (
            logits - np.log(np.exp(logits).sum(-1, keepdims=True)))).sum(-1))),
    )  # fmt: skip
    values = losses.MeanSquaredError(reduction="none")([[1.0, 2.0], [0.0, 0.0]], [[1.0, 4.0], [1.0, 1.0]])
    assert values.tolist() == [2.0, 1.0]
    weighted = losses.MeanSquaredError()([[1.0, 2.0], [0.0, 0.0]], [[1.0, 4.0], [1.0, 1.0]], sample_weight=[3.0, 0.0])
    assert float(weighted) == 3.0  # divided by the number of examples, not by the sum of the weights
    assert float(losses.get("mse")([1.0, 2.0], [[1.0], [4.0]])) == 2.0  # (n,) and (n, 1) are the same examples


def test_metrics_are_chosen_by_shape(rng):
    y, p = np.array([0, 1, 1]), np.array([[0.4], [0.6], [0.3]], "float32")
    model = models.Sequential([layers.Input((1,)), layers.Activation("linear")])
    model.compile("sgd", "mse", metrics=["accuracy", "mae"])
    loss, accuracy, mae = model.evaluate(p, y, verbose=0)
    close([loss, accuracy, mae], [(0.16 + 0.16 + 0.49) / 3, 2 / 3, 1.5 / 3])
    assert metrics.SparseCategoricalAccuracy()([1, 0], [[0.1, 0.9], [0.2, 0.8]]) == 0.5
    assert metrics.CategoricalAccuracy()([[0, 1], [1, 0]], [[0.1, 0.9], [0.2, 0.8]]) == 0.5
    assert metrics.Precision()([0, 1, 1], [0.7, 0.8, 0.2]) == 0.5 == metrics.Recall()([0, 1, 1], [0.7, 0.8, 0.2])
    close(metrics.AUC()([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8]), 0.75, err_msg="pairs in the right order: three of four")


STEPS = {
    "sgd": (optimizers.SGD(0.1, momentum=0.9), lambda g, s, t: s.__setitem__("m", 0.9 * s["m"] - 0.1 * g) or s["m"]),
    "nesterov": (
        optimizers.SGD(0.1, momentum=0.9, nesterov=True),
        lambda g, s, t: s.__setitem__("m", 0.9 * s["m"] - 0.1 * g) or 0.9 * s["m"] - 0.1 * g,
    ),
    "rmsprop": (
        optimizers.RMSprop(0.01),
        lambda g, s, t: s.__setitem__("v", 0.9 * s["v"] + 0.1 * g**2) or -0.01 * g / np.sqrt(s["v"] + 1e-7),
    ),
    "adagrad": (
        optimizers.Adagrad(0.01),
        lambda g, s, t: s.__setitem__("v", (s["v"] if t > 1 else 0.1) + g**2) or -0.01 * g / np.sqrt(s["v"] + 1e-7),
    ),
    "adam": (optimizers.Adam(0.01, epsilon=1e-2), lambda g, s, t: adam(g, s, t)),
}


def adam(g, s, t):
    s["m"] = 0.9 * s["m"] + 0.1 * g
    s["v"] = 0.999 * s["v"] + 0.001 * g**2
    return -0.01 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t) * s["m"] / (np.sqrt(s["v"]) + 1e-2)


@pytest.mark.parametrize("name", STEPS)
def test_optimizers_take_keras_steps(rng, name):
    optimizer, step = STEPS[name]
    layer = layers.Dense(3, use_bias=False, input_shape=(2,))
    model = models.Sequential([layer])
    w, state = layer.get_weights()[0].astype("float64"), {"m": 0.0, "v": 0.0}
    for t in range(1, 5):
        g = rng.normal(size=(2, 3))
        optimizer.apply_gradients([(minidl.tensor(g, dtype="float32"), model.weights[0])])
        w = w + step(g, state, t)
        close(layer.get_weights()[0], w)
    assert optimizer.iterations == 4


def test_schedules_and_clipping():
    assert optimizers.schedules.ExponentialDecay(0.1, 10, 0.5, staircase=True)(25) == 0.1 * 0.25
    assert np.isclose(optimizers.schedules.CosineDecay(1.0, 10)(5), 0.5)
    assert optimizers.schedules.PiecewiseConstantDecay([2, 4], [1.0, 0.1, 0.01])(3) == 0.1
    w = layers.Dense(1, use_bias=False, kernel_initializer="zeros", input_shape=(2,))
    models.Sequential([w])
    optimizers.SGD(1.0, clipnorm=1.0).apply([minidl.tensor([[3.0], [4.0]])], w.trainable_weights)
    close(w.get_weights()[0].ravel(), [-0.6, -0.8])
    with pytest.raises(TypeError, match="follows a schedule"):
        optimizers.SGD(optimizers.schedules.CosineDecay(1.0, 10)).learning_rate = 1.0


def test_a_mask_hides_steps_from_the_loss_too(rng):
    x = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
    y = rng.integers(0, 5, (2, 4))
    model = models.Sequential([
        layers.Embedding(6, 3, mask_zero=True), layers.LSTM(4, return_sequences=True), layers.Dense(5, "softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    loss, accuracy = model.evaluate(x, y, verbose=0)
    p = model.predict(x, verbose=0)
    seen = [(0, 0), (0, 1), (1, 0)]
    close(loss, -np.mean([math.log(p[i, t, y[i, t]]) for i, t in seen]))
    close(accuracy, np.mean([p[i, t].argmax() == y[i, t] for i, t in seen]))
    with pytest.warns(UserWarning, match=r"Layer 'flatten\w*' \(Flatten\) takes no mask"):
        models.Sequential([layers.Embedding(6, 3, mask_zero=True), layers.Flatten()]).predict(x, verbose=0)


def test_helpers():
    padded = utils.pad_sequences([[1, 2, 3], [4]], maxlen=2)
    assert padded.tolist() == [[2, 3], [0, 4]] and padded.dtype == "int32"
    assert utils.pad_sequences([[1, 2, 3], [4]], padding="post", value=9).tolist() == [[1, 2, 3], [4, 9, 9]]
    assert utils.to_categorical([[0], [2]]).tolist() == [[1, 0, 0], [0, 0, 1]]
    with pytest.raises(ValueError, match="do not fit into 2 classes"):
        utils.to_categorical([0, 2], 2)


@pytest.mark.parametrize("name, shape, labels", [("mnist", (3, 28, 28), (3,)), ("cifar10", (3, 32, 32, 3), (3, 1))])
def test_data_sets_come_as_arrays(monkeypatch, name, shape, labels):
    class Small:  # in place of the data set, which would be downloaded
        def __init__(self, train, download):
            self.data, self.targets = np.full(shape, 255 * train, "uint8"), [1, 2, 3]

    module = getattr(datasets, name)
    monkeypatch.setattr(module, name.upper(), Small)
    (x, y), (x_test, _) = module.load_data()
    assert x.shape == shape and x.max() == 255 and x_test.max() == 0 and y.shape == labels and y.dtype == "uint8"
