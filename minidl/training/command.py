"""`minidl train`: train a network on a data set, in a way that nothing can spoil.

Every few steps all of the run goes into one file, in one move. Whatever ends the process, `--resume` goes on from that
file, and ends with the same bits as a run that nothing ended."""

from pathlib import Path
from typing import Any

from .. import backend
from .checkpoint import CHECKPOINT, load_checkpoint
from .datasets import load
from .options import CIRCUMSTANCES, DEFAULTS, FOLDER, parser, settled, taken_up
from .session import Session


def main(argv: list[str]) -> int:
    given = vars(parser().parse_args(argv))
    resumed = "resume" in given
    folder = folder_of(given.pop("out", None), given.pop("resume", None))
    how = {name: given.pop(name, default) for name, default in CIRCUMSTANCES.items()}
    check_device(how["device"])
    saved = checkpoint_of(folder) if resumed else None
    if saved is None and (folder / CHECKPOINT).exists() and not how["overwrite"]:
        raise ValueError(
            f"{folder} has a run already: `minidl train --resume {folder}` goes on with it, --out FOLDER puts this one "
            "elsewhere, --overwrite begins anew there"
        )
    options = settled({**DEFAULTS, **given}) if saved is None else taken_up(saved["options"], given, folder)
    make_folder(folder)
    data = load(options["data_set"], how["data"], how["download"], options["limit"])
    session = Session(folder, options, data, how["device"], how["workers"])
    if saved is None:
        session.begin()
    else:
        session.take_up(saved)
    return session.train()


def folder_of(out: str | None, resume: str | None) -> Path:
    folder = Path(resume or out or FOLDER)
    if folder.name == CHECKPOINT:  # the file itself is as good
        folder = folder.parent
    if resume and out and folder.resolve() != Path(out).resolve():
        raise ValueError(f"--resume {resume} and --out {out} are two folders, and a run stays in its own")
    return folder


def checkpoint_of(folder: Path) -> dict[str, Any]:
    if not folder.exists():
        raise FileNotFoundError(f"--resume {folder}: there is no such folder")
    if not (folder / CHECKPOINT).exists():
        raise FileNotFoundError(f"--resume {folder}: there is no checkpoint in it; without --resume a run begins")
    return load_checkpoint(folder / CHECKPOINT)


def make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OSError(f"--out {folder}: this folder cannot be made ({error.strerror}); name another one") from error


def check_device(name: str) -> None:
    try:
        backend.backend_for(name)
    except (RuntimeError, ValueError, ImportError) as error:
        raise ValueError(f"--device {name}: {error}") from None
