"""Sequential, and Model: in the functional form or as a class of one's own."""

from typing import Any

from . import saving
from .config import described, restored
from .feed import to_arrays
from .graph import KerasTensor, Node, flat, mapped, nodes_between
from .layers.base import Layer
from .layers.core import Input, InputLayer
from .training import Trainer


class Model(Trainer):
    """A network that can be trained: Model(inputs, outputs) of KerasTensors, or a subclass with a `call` of its own."""

    supports_masking = True
    takes_integers = True

    def __init__(self, inputs: Any = None, outputs: Any = None, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        self.__dict__["graph"] = None
        if inputs is not None or outputs is not None:
            self._connect(inputs, outputs)

    def _connect(self, inputs: Any, outputs: Any) -> None:
        for what, tensors in (("inputs", inputs), ("outputs", outputs)):
            if tensors is None or not all(isinstance(t, KerasTensor) for t in flat(tensors)):
                raise ValueError(f"Model: {what} are what Input and calls of layers return, got {tensors!r}")
        self.inputs, self.outputs = list(flat(inputs)), list(flat(outputs))
        nodes = nodes_between(self.inputs, self.outputs)
        self.__dict__["graph"] = (inputs, outputs, nodes)
        taken: dict[str, Layer] = {}
        for node in nodes:
            layer = node.layer
            if taken.setdefault(layer.name, layer) is not layer:
                raise ValueError(f"Model: two layers are called {layer.name!r}; give one another name")
            if layer.name not in self._modules:
                self._modules[layer.name] = layer
        self.built = True
        self.__dict__["built_for"] = mapped(lambda t: t.shape, inputs)

    @property
    def layers(self) -> list[Any]:
        """The layers, the inputs among them, in the order of computation."""
        own = [m for m in self._modules.values() if isinstance(m, Layer)]
        if self.graph is None:
            return own
        return [_input_layer(t) for t in self.inputs if t.node is None] + own

    @property
    def output_names(self) -> list[str]:
        """The names of the layers that make the outputs."""
        if self.graph is None:
            return [f"output_{k + 1}" for k in range(64)]
        return [t.node.layer.name if t.node is not None else str(t.name) for t in self.outputs]

    @property
    def input(self) -> Any:
        return self.graph[0] if self.graph is not None else super().input

    @property
    def output(self) -> Any:
        return self.graph[1] if self.graph is not None else super().output

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """The layer of a name, or of a place."""
        if index is not None:
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(f"{self.titled} has no layer {name!r}; there are {', '.join(la.name for la in self.layers)}")

    def _arrays(self, value: Any) -> Any:
        several = self.graph is not None and (len(self.inputs) > 1 or len(self.outputs) > 1)
        listed = isinstance(value, (list, tuple)) and all(hasattr(v, "shape") for v in value)
        return to_arrays(value, several and listed)

    def call(self, inputs: Any, training: bool = False, mask: Any = None) -> Any:
        if self.graph is None:
            raise NotImplementedError(f"{self.titled} has no call: define `def call(self, inputs)` in the class")
        nest, outputs, nodes = self.graph
        found = self._matched(nest, inputs)
        value = lambda t: found[id(t)] if isinstance(t, KerasTensor) else t
        for node in nodes:
            result = node.layer(*mapped(value, node.args), **mapped(value, node.kwargs))
            found.update((id(t), y) for t, y in zip(node.outputs, flat(result)))
        return mapped(value, outputs)

    def _matched(self, nest: Any, inputs: Any) -> dict[int, Any]:
        """Each input's tensor."""
        wanted = self.inputs
        if isinstance(inputs, dict):
            keys = list(nest) if isinstance(nest, dict) else [t.name for t in wanted]
            if missing := [key for key in keys if key not in inputs]:
                raise ValueError(f"{self.titled}: the input {missing[0]!r} is missing; given are {', '.join(inputs)}")
            given = [inputs[key] for key in keys]
        else:
            given = list(flat(inputs))
        if len(given) != len(wanted):
            raise ValueError(f"{self.titled} has {len(wanted)} inputs and was given {len(given)}")
        found = {}
        for t, x in zip(wanted, given):
            if x.ndim == len(t.shape) - 1 and t.shape[-1] == 1:
                x = x.unsqueeze(-1)
            if x.ndim != len(t.shape) or any(n not in (None, m) for n, m in zip(t.shape[1:], x.shape[1:])):
                raise ValueError(f"{self.titled}: the input {t.name!r} is {t.shape}, got the shape {tuple(x.shape)}")
            found[id(t)] = x.to("float32") if str(t.dtype).startswith("float") and x.dtype.kind != "f" else x
        return found

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return None

    # ---- summary and files

    def summary(
        self, line_length: int | None = None, positions: Any = None, print_fn: Any = None, expand_nested: bool = False,
        show_trainable: bool = False, layer_range: Any = None,
    ) -> None:  # fmt: skip
        """Print the layers, the shapes of their outputs and how many weights they have."""
        from .summary import table

        text = table(self, line_length or 80, expand_nested, show_trainable)
        (print_fn or print)(text)

    def save(self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True, **kwargs: Any) -> None:
        """Save everything: the layers, the weights, and what compile and training left. load_model reads it."""
        saving.save_model(self, filepath, overwrite, include_optimizer)

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Save the weights alone, under names that say where in the model they are."""
        saving.save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False) -> None:
        """Take over weights that save_weights wrote, of a model of the same layers."""
        saving.load_weights(self, filepath, skip_mismatch)

    def get_config(self) -> dict[str, Any]:
        if self.graph is None:
            return super().get_config()
        nest, outputs, nodes = self.graph
        numbers = {id(t): k for k, t in enumerate(self.inputs)}
        layers: list[Any] = []
        calls = []
        name = lambda t: {"tensor": numbers[id(t)]} if isinstance(t, KerasTensor) else t
        for node in nodes:
            if node.layer not in layers:
                layers.append(node.layer)
            calls.append([layers.index(node.layer), mapped(name, node.args), mapped(name, node.kwargs)])
            numbers.update({id(t): len(numbers) + k for k, t in enumerate(node.outputs)})
        inputs = [{"batch_shape": t.shape, "dtype": str(t.dtype), "name": t.name} for t in self.inputs]
        return {"name": self.name, "inputs": inputs, "nest": mapped(name, nest), "layers": layers, "calls": calls,
                "outputs": mapped(name, outputs)}  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = restored(config, custom_objects or {})
        if "calls" not in config:
            return cls(**config)
        tensors = [Input(**given) for given in config["inputs"]]
        layers = config["layers"]
        for number, args, kwargs in config["calls"]:
            given, named = _resolved(args, tensors), _resolved(kwargs, tensors)
            result = layers[number](*given, **named)
            tensors += list(flat(result))
        return cls(_resolved(config["nest"], tensors), _resolved(config["outputs"], tensors), name=config["name"])

    def to_json(self, **kwargs: Any) -> str:
        """The layers, without the weights, as text for model_from_json."""
        import json

        return json.dumps(described(self), **kwargs)


def _resolved(value: Any, tensors: list[Any]) -> Any:
    """The nest with tensors where it has {"tensor": number}."""
    if isinstance(value, dict):
        if set(value) == {"tensor"}:
            return tensors[value["tensor"]]
        return {key: _resolved(item, tensors) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_resolved(item, tensors) for item in value)
    return value


def _input_layer(t: KerasTensor) -> Any:
    layer = InputLayer(t.shape[1:], name=t.name)
    layer.built = True
    layer.nodes.append(_source(t))
    return layer


def _source(t: KerasTensor) -> Node:
    node = Node(None, (t,), {})
    node.outputs, node.result = [t], t
    return node


class Sequential(Model):
    """Layers one after the other: Sequential([Input(…), Dense(…), …]), or add() them.

    Its shapes are known once an Input, or an input_shape in the first layer, says them; else at the first call."""

    def __init__(self, layers: Any = None, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(name=name, **kwargs)
        for layer in layers or []:
            self.add(layer)

    def add(self, layer: Any) -> None:
        """Put a layer at the end."""
        if isinstance(layer, KerasTensor) or isinstance(layer, InputLayer) and type(layer) is InputLayer:
            if self._modules:
                raise ValueError(f"{self.titled}: an Input stands before all layers")
            t = layer if isinstance(layer, KerasTensor) else Input(layer.given_shape, name=layer.name)
            self._start(t)
            return
        if not isinstance(layer, Layer):
            raise TypeError(f"{self.titled}: layers are expected, got {layer!r}; a class? write {_called(layer)}")
        if layer.name in self._modules:
            raise ValueError(f"{self.titled} has a layer {layer.name!r} already; give this one another name")
        shape = layer.given_shape if not isinstance(layer, Model) or layer.graph is None else layer.inputs[0].shape[1:]
        if not self._modules and self.__dict__.get("source") is None and shape is not None:
            inner = isinstance(layer, Model) and layer.graph is not None
            dtype = layer.inputs[0].dtype if inner else "int32" if layer.takes_integers else "float32"
            self._start(Input(shape, dtype=dtype))
        self._modules[layer.name] = layer
        if self.graph is not None:
            self._extend(layer)

    def pop(self) -> Any:
        """Take the last layer away."""
        if not self._modules:
            raise TypeError(f"{self.titled} has no layers")
        layer = self._modules.pop(list(self._modules)[-1])
        if self.graph is not None:
            self._start(self.source)
            for kept in list(self._modules.values()):
                self._extend(kept)
        return layer

    def _start(self, t: KerasTensor) -> None:
        self.__dict__["source"] = t
        self.__dict__["graph"] = (t, t, [])
        self.inputs, self.outputs = [t], [t]
        self.built = True
        self.__dict__["built_for"] = t.shape

    def _extend(self, layer: Any) -> None:
        source, y, nodes = self.graph
        y = layer(y)
        self.__dict__["graph"] = (source, y, [*nodes, layer.nodes[-1]])
        self.outputs = list(flat(y))

    def build(self, input_shape: Any = None) -> None:
        """Find all shapes, given that of the input, the batch's axis first."""
        if not self._modules:
            raise ValueError(f"{self.titled} has no layers; add some")
        if self.graph is None and input_shape is not None:
            integers = bool(self.layers) and self.layers[0].takes_integers
            self._start(Input(batch_shape=(None, *input_shape[1:]), dtype="int32" if integers else "float32"))
            for layer in list(self._modules.values()):
                self._extend(layer)

    @property
    def layers(self) -> list[Any]:
        """The layers, without the Input."""
        return list(self._modules.values())

    def get_config(self) -> dict[str, Any]:
        t = self.__dict__.get("source")
        start = None if t is None else {"batch_shape": t.shape, "dtype": str(t.dtype), "name": t.name}
        return {"name": self.name, "layers": self.layers, "source": start}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        config = restored(config, custom_objects or {})
        source = config.pop("source")
        layers = config.pop("layers")
        return cls([*([] if source is None else [Input(**source)]), *layers], **config)


def _called(layer: Any) -> str:
    return f"{getattr(layer, '__name__', 'Dense')}(…)"


def clone_model(model: Model) -> Any:
    """Another model of the same layers, with weights of its own."""
    made = restored(described(model), {})
    saving.let_learn(made, saving.which_learn(model))
    return made


def model_from_json(text: str, custom_objects: Any = None) -> Any:
    """The model that to_json wrote, with new weights."""
    import json

    return restored(json.loads(text), custom_objects or {})


load_model = saving.load_model
save_model = saving.save_model
