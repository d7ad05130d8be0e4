"""Files of models, and what is called along the way of training."""

import numpy as np
import pytest

import minidl
from minidl import keras
from minidl.keras import callbacks, layers, models


def network():
    return models.Sequential([
        layers.Embedding(20, 4, mask_zero=True),
        layers.Bidirectional(layers.GRU(3, kernel_regularizer=keras.regularizers.l2(0.01))),
        layers.Dropout(0.5),
        layers.BatchNormalization(),
        layers.Dense(3, activation="softmax", kernel_initializer="he_normal"),
    ])


@pytest.fixture
def data(rng):
    return rng.integers(0, 20, (18, 5)), rng.integers(0, 3, 18)


def test_a_loaded_model_trains_on_bit_for_bit(data, tmp_path):
    model = network()
    model.compile(
        keras.optimizers.Adam(1e-2),
        keras.losses.SparseCategoricalCrossentropy(),
        ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=2)],
    )
    model.fit(*data, epochs=2, verbose=0)
    model.save(tmp_path / "a.keras")
    again = models.load_model(tmp_path / "a.keras")
    assert np.array_equal(model.predict(data[0], verbose=0), again.predict(data[0], verbose=0))
    assert model.evaluate(*data, verbose=0) == again.evaluate(*data, verbose=0)
    runs = []
    for net in (model, again):
        keras.utils.set_random_seed(3)
        runs.append(net.fit(*data, epochs=2, verbose=0).history)
    assert runs[0] == runs[1]
    with pytest.raises(ValueError, match="no model that minidl.keras saved"):
        minidl.save({"w": minidl.ones(2)}, tmp_path / "w.safetensors")
        models.load_model(tmp_path / "w.safetensors")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        model.save(tmp_path / "a.keras", overwrite=False)


def test_weights_alone_go_by_place_and_not_by_name(data, tmp_path):
    model, other = network(), network()
    for net in (model, other):
        net.build((None, 5))
    model.save_weights(tmp_path / "a.weights.h5")
    assert "layers.4.kernel" in minidl.load(tmp_path / "a.weights.h5")
    other.load_weights(tmp_path / "a.weights.h5")
    assert all(map(np.array_equal, model.get_weights(), other.get_weights()))
    with pytest.raises(ValueError, match="not built"):
        network().load_weights(tmp_path / "a.weights.h5")
    with pytest.raises(ValueError, match=r"layers\.0\.bias"):
        models.Sequential([layers.Input((3,)), layers.Dense(2)]).load_weights(tmp_path / "a.weights.h5")


def test_a_shared_layer_stays_one_in_a_file(tmp_path, rng):
    a, b, shared = layers.Input((3,)), layers.Input((3,)), layers.Dense(2)
    model = keras.Model([a, b], layers.Subtract()([shared(a), shared(b)]))
    model.save(tmp_path / "twins.keras")
    again = models.load_model(tmp_path / "twins.keras")
    x = [rng.normal(size=(4, 3)), rng.normal(size=(4, 3))]
    assert again.count_params() == 8 and np.array_equal(model.predict(x, verbose=0), again.predict(x, verbose=0))
    assert np.array_equal(models.clone_model(model).predict([x[0], x[0]], verbose=0), np.zeros((4, 2)))


def test_no_code_is_saved(tmp_path):
    model = models.Sequential([layers.Input((3,)), layers.Lambda(lambda x: x * 2)])
    with pytest.raises(ValueError, match="a file holds no code"):
        model.save(tmp_path / "code.keras")


class Told(callbacks.Callback):
    """Puts numbers into the logs, so that what other callbacks do is known beforehand."""

    def __init__(self, values):
        self.values, self.weights = values, []

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.values[epoch]
        self.weights.append(self.model.get_weights())


def trained(values, *others, rng, epochs=None):
    model = models.Sequential([layers.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    told = Told(values)
    x, y = rng.normal(size=(8, 3)), rng.normal(size=(8, 1))
    history = model.fit(x, y, epochs=epochs or len(values), callbacks=[told, *others], verbose=0)
    return model, told, history


def test_early_stopping_restores_the_best(rng):
    stop = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    model, told, history = trained([3.0, 1.0, 2.0, 2.0, 0.5], stop, rng=rng)
    assert history.epoch == [0, 1, 2, 3] and stop.stopped_epoch == 3 and stop.best_epoch == 1
    assert np.array_equal(model.get_weights()[0], told.weights[1][0])
    with pytest.warns(UserWarning, match="there is no 'val_auc' to watch, only loss, val_loss"):
        trained([1.0], callbacks.EarlyStopping(monitor="val_auc"), rng=rng)


def test_checkpoints_of_the_best(rng, tmp_path, capsys):
    path = str(tmp_path / "{epoch:02d}-{val_loss:.1f}.keras")
    saver = callbacks.ModelCheckpoint(path, save_best_only=True, verbose=1)
    trained([3.0, 4.0, 1.0], saver, rng=rng)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["01-3.0.keras", "03-1.0.keras"]
    assert "Epoch 2: val_loss did not improve from 3.00000" in capsys.readouterr().out
    models.load_model(tmp_path / "03-1.0.keras")


def test_learning_rates_change(rng, tmp_path):
    plateau = callbacks.ReduceLROnPlateau(factor=0.1, patience=2, min_lr=1e-3)
    _, _, history = trained([1.0] * 7, plateau, callbacks.CSVLogger(tmp_path / "log.csv"), rng=rng)
    np.testing.assert_allclose(history.history["learning_rate"], [1e-2] * 3 + [1e-3] * 4)
    assert (tmp_path / "log.csv").read_text().startswith("epoch,learning_rate,loss,val_loss\n0,0.01,")
    scheduler = callbacks.LearningRateScheduler(lambda epoch: 0.5**epoch)
    _, _, history = trained([1.0] * 3, scheduler, rng=rng)
    assert history.history["learning_rate"] == [1.0, 0.5, 0.25]


def test_callbacks_are_called_in_order(rng):
    seen = []
    note = lambda name: lambda *args: seen.append(name)
    names = ["on_train_begin", "on_epoch_begin", "on_train_batch_end", "on_epoch_end", "on_train_end"]
    trained([1.0], callbacks.LambdaCallback(**{name: note(name) for name in names}), rng=rng)
    assert seen == names
    with pytest.raises(TypeError, match="there is no on_tea_break"):
        callbacks.LambdaCallback(on_tea_break=print)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: layers.Conv2D(4, 3, name="c")(np.ones((5, 8, 8))), r"Layer 'c' \(Conv2D\) expects input \(batch, hei"),
        (lambda: layers.Dense(3, activation="rely"), "activation 'rely' is not known"),
        (lambda: layers.Dense(3, unit=2), "Dense does not know the argument 'unit'"),
        (lambda: models.Sequential([layers.Dense]), r"layers are expected, got <class.*write Dense\(…\)"),
        (lambda: models.Sequential([layers.Dense(3)]).fit(np.ones((2, 5)), np.ones(2)), "call compile"),
        (lambda: models.Sequential([layers.Dense(3)]).compile("adm", "mse"), "optimizer 'adm' is not known"),
        (lambda: fitted("categorical_crossentropy", np.ones(4)), "to_categorical"),
        (lambda: fitted("sparse_categorical_crossentropy", np.eye(4, 3)), "one-hot"),
        (lambda: fitted("sparse_categorical_crossentropy", [0, 1, 2, 3]), "3 classes, 0 to 2"),
        (lambda: fitted("mse", np.ones(4)), r"y_true \(4,\) and y_pred \(4, 3\)"),
        (lambda: fitted("mse", np.ones((3, 3))), "equally many examples, got 4, 3"),
        (lambda: models.Sequential([layers.Input((5,)), layers.Dense(3)]).predict(np.ones((2, 4))), "is .None, 5."),
        (lambda: models.Sequential([layers.Input((6, 6, 1)), layers.MaxPooling2D(9)]), "does not fit into .6, 6."),
        (lambda: layers.LSTM(3, stateful=True), "stateful=True is not there"),
    ],
)
def test_errors_speak_of_layers(make, message):
    with pytest.raises((ValueError, TypeError, NotImplementedError), match=message):
        make()


def fitted(loss, y):
    model = models.Sequential([layers.Dense(3)])
    model.compile("adam", loss)
    model.fit(np.ones((4, 5)), y, verbose=0)
