"""What can be described by the arguments it was made with, and so be saved without saving code."""

import inspect
from typing import Any

KNOWN: dict[str, Any] = {}  # minidl.keras's own classes: layers.Dense, losses.Huber


class Configured:
    """Remembers the arguments of its construction: `from_config(get_config())` is another like it, freshly made."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        self = super().__new__(cls)
        self.__dict__["_given"] = (args, kwargs)
        return self

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith(__package__):
            KNOWN[called(cls)] = cls

    def get_config(self) -> dict[str, Any]:
        """The arguments it was made with, by name."""
        args, kwargs = self.__dict__["_given"]
        parameters = inspect.signature(type(self).__init__).parameters.values()
        names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD][1:]
        return {**dict(zip(names, args)), **kwargs}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """One made with these arguments."""
        return cls(**config)


def called(cls: type) -> str:
    """A class's name in files: with its place, if it is minidl.keras's own."""
    own = cls.__module__.startswith(__package__)
    return f"{cls.__module__.removeprefix(__package__).split('.')[1]}.{cls.__name__}" if own else cls.__name__


def described(value: Any) -> Any:
    """A value in which every object is replaced by its class's name and its config."""
    if isinstance(value, Configured):
        return {"class_name": called(type(value)), "config": described(value.get_config())}
    if isinstance(value, dict):
        return {key: described(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(described(item) for item in value)
    if callable(value):
        raise ValueError(
            f"the function {getattr(value, '__name__', value)!r} cannot be saved, for a file holds no code: use "
            "the name of a known function, or a Layer of your own, or save the weights alone with save_weights"
        )
    return value


def restored(value: Any, custom: dict[str, Any]) -> Any:
    """`described`, undone."""
    if isinstance(value, dict) and set(value) == {"class_name", "config"}:
        cls = custom.get(value["class_name"]) or KNOWN.get(value["class_name"])
        if cls is None:
            raise ValueError(
                f"the class {value['class_name']!r} is not known here: "
                f"pass custom_objects={{{value['class_name']!r}: {value['class_name']}}}"
            )
        return from_config(cls, restored(value["config"], custom))
    if isinstance(value, dict):
        return {key: restored(item, custom) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(restored(item, custom) for item in value)
    return value


def from_config(cls: Any, config: dict[str, Any]) -> Any:
    return cls.from_config(config)


def look_up(what: str, given: Any, table: dict[str, Any], base: Any = ()) -> Any:
    """What a name means, made if it is a class; an object or a function stands for itself."""
    if isinstance(given, str):
        found = table.get(given, table.get(given.lower()))
        if found is None:
            names = ", ".join(repr(name) for name in table)
            raise ValueError(f"{what} {given!r} is not known; there are {names}")
        return found() if isinstance(found, type) else found
    if isinstance(given, type):
        return given()
    if not (callable(given) or isinstance(given, base)):
        raise TypeError(f"{what}: a name, an object or a function is expected, got {given!r}")
    return given
