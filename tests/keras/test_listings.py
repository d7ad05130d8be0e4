"""Programs as people write them for Keras: only the import lines differ."""

import numpy as np
import pytest

import minidl
from minidl import keras
from minidl.keras import Input, Model, layers, models
from minidl.keras.preprocessing.sequence import pad_sequences
from minidl.keras.utils import to_categorical


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


def test_the_convolutional_network(rng, capsys):
    model = models.Sequential([
        layers.Conv2D(32, (3, 3), activation="relu", input_shape=(64, 64, 3)),
        layers.MaxPooling2D((2, 2)),
        layers.Conv2D(64, (3, 3), activation="relu"),
        layers.MaxPooling2D((2, 2)),
        layers.Conv2D(64, (3, 3), activation="relu"),
        layers.Flatten(),
        layers.Dense(64, activation="relu"),
        layers.Dense(10, activation="softmax"),
    ])
    model.summary()
    shown = capsys.readouterr().out
    assert "(None, 62, 62, 32)" in shown and "36,928" in shown and "Total params: 646,858 (2.47 MB)" in shown
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = rng.random((6, 64, 64, 3)), rng.integers(0, 10, 6)
    history = model.fit(x, y, epochs=2, batch_size=2, validation_split=0.34, verbose=2)
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert "Epoch 2/2\n2/2 - " in capsys.readouterr().out
    assert model.predict(x, verbose=0).shape == (6, 10)
    loss, accuracy = model.evaluate(x, y, verbose=0)
    assert loss > 0 and accuracy in [k / 6 for k in range(7)]


def test_the_recurrent_network_learns(rng):
    model = models.Sequential([
        layers.Embedding(input_dim=10000, output_dim=64),
        layers.SimpleRNN(16, return_sequences=True),
        layers.SimpleRNN(8),
        layers.Dense(1, activation="sigmoid"),
    ])
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["accuracy"])
    y = rng.integers(0, 2, 64)
    x = pad_sequences([rng.integers(1 + 5 * t, 6 + 5 * t, rng.integers(3, 9)) for t in y], maxlen=8)
    history = model.fit(x, y, epochs=8, batch_size=16, verbose=0)
    assert history.history["accuracy"][-1] > 0.95 and model.evaluate(x, y, verbose=0)[1] > 0.95


def build_generator():
    model = models.Sequential()
    model.add(layers.Dense(128, activation="relu", input_dim=100))
    model.add(layers.Dense(784, activation="sigmoid"))
    return model


def build_discriminator():
    model = models.Sequential()
    model.add(layers.Dense(128, activation="relu", input_dim=784))
    model.add(layers.Dense(1, activation="sigmoid"))
    return model


def test_the_adversarial_network(rng):
    generator, discriminator = build_generator(), build_discriminator()
    discriminator.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    discriminator.trainable = False  # for the combined model: its own was settled by compile
    z = Input(shape=(100,))
    combined = Model(z, discriminator(generator(z)))
    combined.compile(optimizer="adam", loss="binary_crossentropy")
    assert combined.count_params() == 114064 + 100609
    for _ in range(2):
        noise, real = rng.normal(size=(8, 100)), rng.random((8, 784))
        g, d = generator.get_weights(), discriminator.get_weights()
        loss, accuracy = discriminator.train_on_batch(real, np.ones((8, 1)))
        discriminator.train_on_batch(generator.predict(noise, verbose=0), np.zeros((8, 1)))
        assert all(map(np.array_equal, g, generator.get_weights()))
        assert not np.array_equal(d[0], discriminator.get_weights()[0])
        d = discriminator.get_weights()
        assert combined.train_on_batch(noise, np.ones((8, 1))) > 0
        assert all(map(np.array_equal, d, discriminator.get_weights()))
        assert not np.array_equal(g[0], generator.get_weights()[0])
    assert not discriminator.trainable


def test_the_functional_form_with_two_inputs_and_outputs(rng):
    picture, number = Input((8, 8, 3), name="picture"), Input((4,), name="number")
    x = layers.Conv2D(4, 3, padding="same", activation="relu")(picture)
    x = layers.Add()([x, layers.Conv2D(4, 1)(picture)])
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.concatenate([x, number * 0.5])
    model = Model([picture, number], [layers.Dense(2, "softmax", name="kind")(x), layers.Dense(1, name="size")(x)])
    model.compile("adam", loss={"kind": "categorical_crossentropy", "size": "mse"}, metrics={"kind": ["accuracy"]})
    a, b = rng.normal(size=(6, 8, 8, 3)), rng.normal(size=(6, 4))
    targets = {"kind": to_categorical([0, 1, 1, 0, 1, 0]), "size": rng.normal(size=(6, 1))}
    history = model.fit({"picture": a, "number": b}, targets, epochs=2, verbose=0).history
    assert list(history) == ["loss", "kind_loss", "size_loss", "kind_accuracy"]
    assert np.isclose(history["loss"][1], history["kind_loss"][1] + history["size_loss"][1])
    kind, size = model.predict([a, b], verbose=0)
    assert kind.shape == (6, 2) and size.shape == (6, 1)
    features = Model(model.inputs, model.get_layer("kind").input)
    assert features.predict([a, b], verbose=0).shape == (6, 8)


def test_sequence_to_sequence_of_unknown_length(rng):
    source, target = Input((None, 4)), Input((None, 3))
    _, h, c = layers.LSTM(5, return_state=True)(source)
    y = layers.LSTM(5, return_sequences=True)(target, initial_state=[h, c])
    model = Model([source, target], layers.TimeDistributed(layers.Dense(3, activation="softmax"))(y))
    assert model.output_shape == (None, None, 3)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit([rng.normal(size=(4, 5, 4)), rng.normal(size=(4, 7, 3))], rng.integers(0, 3, (4, 7)), verbose=0)


class Scale(layers.Layer):
    def build(self, input_shape):
        self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones", name="factor")

    def call(self, inputs):
        return inputs * self.factor


def test_a_layer_may_bring_numbers_of_its_own():
    class Turn(layers.Layer):
        def call(self, inputs):
            return inputs @ minidl.tensor([[0.0, 1.0], [1.0, 0.0]])

    model = models.Sequential([layers.Input((None, 2)), Turn()])
    assert model.output_shape == (None, None, 2)
    assert model.predict([[[1.0, 2.0]]], verbose=0).tolist() == [[[2.0, 1.0]]]
    with pytest.raises(ValueError, match=r"Add: shapes \(64, 3\) and \(64, 4\) do not broadcast"):
        layers.add([Input((3,)), Input((4,))])


class Net(keras.Model):
    def __init__(self, width):
        super().__init__()
        self.first = Scale()
        self.stack = [layers.Dense(width, activation="relu") for _ in range(2)]
        self.drop = layers.Dropout(0.5)

    def call(self, inputs, training=False):
        x = self.first(inputs)
        for layer in self.stack:
            x = layer(x)
        return self.drop(x, training=training)


def test_layers_and_models_of_ones_own(rng, tmp_path):
    x, y = rng.normal(size=(12, 3)), rng.normal(size=12)
    net = Net(4)
    net.compile("sgd", "mse")
    net.fit(x, rng.normal(size=(12, 4)), verbose=0)
    assert [w.shape for w in net.weights] == [(3,), (3, 4), (4,), (4, 4), (4,)]
    assert np.array_equal(net.predict(x, verbose=0), net.predict(x, verbose=0))  # dropout is for training
    model = models.Sequential([Input((3,)), Net(4), layers.Dense(1)])
    model.compile("sgd", "mae")
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "own.keras")
    again = models.load_model(tmp_path / "own.keras", custom_objects={"Scale": Scale, "Net": Net})
    assert np.array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))
    with pytest.raises(ValueError, match="custom_objects={'Net': Net}"):
        models.load_model(tmp_path / "own.keras")


def test_generators_and_loaders_give_batches(rng):
    def batches():
        while True:
            yield rng.normal(size=(4, 5)), rng.normal(size=(4, 1))

    model = models.Sequential([layers.Dense(1)])
    model.compile("adam", "mse")
    history = model.fit(
        batches(), steps_per_epoch=3, epochs=2, validation_data=batches(), validation_steps=2, verbose=0
    )
    assert len(history.history["val_loss"]) == 2 and model.optimizer.iterations == 6
    pairs = minidl.data.TensorDataset(minidl.randn(8, 5), minidl.randn(8, 1))
    model.fit(minidl.data.DataLoader(pairs, batch_size=4), verbose=0)
    assert model.optimizer.iterations == 8


def test_class_weights_freezing_and_transfer(rng, tmp_path):
    base = models.Sequential([Input((5,)), layers.Dense(4, activation="relu"), layers.BatchNormalization()])
    base.trainable = False
    model = models.Sequential([base, layers.Dense(2, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    before = base.get_weights()
    model.fit(rng.normal(size=(8, 5)), rng.integers(0, 2, 8), class_weight={0: 1.0, 1: 5.0}, verbose=0)
    assert all(map(np.array_equal, before, base.get_weights()))  # the moving averages too
    model.save(tmp_path / "frozen.keras")
    for net in (model, models.load_model(tmp_path / "frozen.keras"), models.clone_model(model)):
        assert len(net.trainable_weights) == 2
        net(np.ones((1, 5)))
        assert len(net.non_trainable_weights) == 6


def test_models_run_on_other_devices(rng, device):
    model = models.Sequential([
        layers.Input((6, 6, 1)), layers.Conv2D(2, 3, padding="same"), layers.BatchNormalization(),
        layers.MaxPooling2D(2, padding="same"), layers.Reshape((-1, 2)), layers.LSTM(3), layers.Dropout(0.5),
        layers.Dense(1, activation="sigmoid"),
    ]).to(device)  # fmt: skip
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", "AUC"])
    x, y = rng.normal(size=(8, 6, 6)), rng.integers(0, 2, 8)
    model.fit(x, y, epochs=1, validation_split=0.25, verbose=0)
    assert model.predict(x, verbose=0).shape == (8, 1) and model.get_weights()[0].shape == (3, 3, 1, 2)
