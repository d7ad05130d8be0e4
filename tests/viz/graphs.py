"""The graphs that the drawings are tried on: what a course draws on its slides, and what is hard to draw."""

import minidl
from minidl import nn, viz
from minidl.nn import functional as F


def scalar():
    a, b, c = (minidl.tensor(v, requires_grad=True) for v in (2.0, -3.0, 7.0))
    with viz.record():
        d = a * b + c
        loss = d * d * a
    return loss, {"a": a, "b": b, "c": c, "d": d, "loss": loss}


def mlp():
    minidl.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    x, t = minidl.randn(5, 4), minidl.tensor([0, 1, 0, 1, 1])
    with viz.record():
        h = model(x)
        loss = F.cross_entropy(h, t) + 0.1 * (model[0].weight ** 2).sum()
    return loss, {"model": model, "x": x, "t": t, "h": h, "loss": loss}


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(6, 16, 5), nn.Tanh(), nn.AvgPool2d(2)
        )
        self.classifier = nn.Sequential(
            nn.Flatten(), nn.Linear(400, 120), nn.Tanh(), nn.Linear(120, 84), nn.Tanh(), nn.Linear(84, 10)
        )

    def forward(self, x):
        return self.classifier(self.features(x))


def lenet():
    minidl.manual_seed(0)
    model, images, labels = LeNet(), minidl.randn(4, 1, 28, 28), minidl.tensor([3, 1, 4, 1])
    with viz.record():
        loss = F.cross_entropy(model(images), labels)
    return loss, {"model": model, "images": images, "labels": labels, "loss": loss}


class LSTMStep(nn.Module):
    def __init__(self, inputs, hidden):
        super().__init__()
        self.ih, self.hh = nn.Linear(inputs, 4 * hidden), nn.Linear(hidden, 4 * hidden)

    def forward(self, x, h, c):
        i, f, g, o = (self.ih(x) + self.hh(h)).chunk(4, dim=1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c


def lstm(steps=1):
    minidl.manual_seed(0)
    cell, x = LSTMStep(3, 2), minidl.randn(2, 3)
    h, c = minidl.zeros(2, 2, requires_grad=True), minidl.randn(2, 2, requires_grad=True)
    first = {"h": h, "c": c}
    with viz.record():
        for _ in range(steps):
            h, c = cell(x, h, c)
        loss = (h**2).mean()
    return loss, {"cell": cell, "x": x, "loss": loss, **first}


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.norm1, self.norm2 = heads, nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def attend(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv(x).reshape(B, T, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.proj(y.transpose(1, 2).reshape(B, T, C))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.mlp(self.norm2(x))


def attention():
    minidl.manual_seed(0)
    block, x = Block(8, 2), minidl.randn(2, 5, 8)
    with viz.record():
        y = block(x)
        loss = (y**2).mean()
    return loss, {"block": block, "x": x, "y": y, "loss": loss}


def double():
    """The gradient of something that is itself computed from a gradient."""
    x = minidl.tensor([0.5, -1.0, 2.0], requires_grad=True)
    with viz.record():
        y = (x**3).sum()
        (g,) = minidl.autograd.grad(y, x, create_graph=True)
        loss = y + ((g - 1) ** 2).mean()
    return loss, {"x": x, "y": y, "g": g, "loss": loss}


def broadcast():
    """A fork, and two operands that broadcasting repeats."""
    minidl.manual_seed(1)
    x, w, b = minidl.randn(3, 4), minidl.randn(4, 2, requires_grad=True), minidl.randn(2, requires_grad=True)
    with viz.record():
        h = (x @ w + b).tanh()
        loss = (h * h.mean(dim=0)).sum()
    return loss, {"x": x, "w": w, "b": b, "h": h, "loss": loss}


def tiny():
    a, b = minidl.tensor([2.0, 3.0], requires_grad=True), minidl.tensor(-2e-6, requires_grad=True)
    with viz.record():
        h = a * b
        loss = h.sum()
    return loss, {"a": a, "b": b, "h": h, "loss": loss}


SIX = {"scalar": scalar, "mlp": mlp, "lenet": lenet, "lstm": lstm, "attention": attention, "double": double}
ALL = {**SIX, "broadcast": broadcast, "tiny": tiny}
