"""A program that trains with everything a Trainer has, to be killed: python resumable.py FOLDER WORKERS."""

import sys
from pathlib import Path

import minidl
from minidl import nn, optim
from minidl.data import DataLoader, TensorDataset
from minidl.training import Checkpoint, CsvLog, EarlyStopping, JsonLog, Trainer, seed_all
from minidl.training.metrics import F1, Accuracy
from minidl.training.schedules import cosine


def made(folder, workers=0, epochs=4):
    seed_all(7)
    x = minidl.randn(130, 6)
    y = (x[:, 0] * x[:, 1] > 0).long()
    model = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.2), nn.Linear(16, 2))
    optimizer = optim.AdamW(model.parameters(), lr=0.01)
    folder = Path(folder)
    trainer = Trainer(
        model, optimizer, nn.CrossEntropyLoss(label_smoothing=0.1),
        [Checkpoint(folder, every=2, monitor="validation_accuracy", mode="max"), EarlyStopping(patience=3),
         JsonLog(folder / "log.jsonl", every=1), CsvLog(folder / "log.csv")],
        metrics=[Accuracy(), F1()], schedule=cosine(20, warmup=3), clip=1.0, accumulate=2, l1=1e-4, ema=0.9,
    )  # fmt: skip
    train = DataLoader(TensorDataset(x[:100], y[:100]), 10, shuffle=True, num_workers=workers)
    test = DataLoader(TensorDataset(x[100:], y[100:]), 10, shuffle=True)
    return trainer, lambda: trainer.fit(train, test, epochs, resume=folder, progress=False)


if __name__ == "__main__":
    made(sys.argv[1], int(sys.argv[2]))[1]()
