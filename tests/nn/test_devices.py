"""Training on every device: modules move, optimizers and loaders follow."""

import numpy as np

import minidl
from minidl import nn, optim
from minidl.testing.strict import add_strict_device
from minidl.utils.data import DataLoader, TensorDataset

add_strict_device()


def small():
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3)
    )


def run(device, kind):
    minidl.manual_seed(0)
    net = small()
    assert net.to(device) is net
    x, y = minidl.randn(6, 1, 4, 4), minidl.arange(6) % 3
    loader = DataLoader(TensorDataset(x.to(device), y.to(device)), batch_size=3, shuffle=True)
    opt = {
        "SGD": lambda ps: optim.SGD(ps, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        "Adam": lambda ps: optim.Adam(ps, lr=0.01, amsgrad=True, weight_decay=0.01),
        "AdamW": lambda ps: optim.AdamW(ps, lr=0.01, maximize=True),
    }[kind](net.parameters())
    for epoch in range(3):
        for a, b in loader:
            opt.zero_grad(set_to_none=epoch % 2 == 0)
            nn.CrossEntropyLoss()(net(a), b).backward()
            nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            opt.step()
        if epoch == 1:  # save, and go on elsewhere
            other = type(opt)(net.parameters())
            other.load_state_dict(opt.state_dict())
            opt = other
    net.eval()(x.to(device))
    return net


def test_training_gives_the_same_everywhere(device):
    for kind in ("SGD", "Adam", "AdamW"):
        net, reference = run(device, kind), run("cpu", kind)
        assert {p.device.type for p in net.parameters()} == {minidl.device(device).type}
        assert {b.device.type for b in net.buffers()} == {minidl.device(device).type}
        expected = reference.state_dict()
        for key, value in net.cpu().state_dict().items():
            np.testing.assert_allclose(value.numpy(), expected[key].numpy(), rtol=1e-4, atol=1e-5, err_msg=key)


def test_state_goes_from_device_to_device(device):
    a, b = small().to(device), small()
    b.load_state_dict(a.state_dict())
    a.load_state_dict(b.state_dict())
    assert a[0].weight.device.type == minidl.device(device).type
    np.testing.assert_array_equal(a[0].weight.detach().cpu().numpy(), b[0].weight.detach().numpy())
    made = nn.Embedding(3, 2, padding_idx=0, device=device)
    assert made.weight.device.type == minidl.device(device).type
    assert made(minidl.tensor([0, 1], device=device)).shape == (2, 2)
    nn.init.trunc_normal_(made.weight)
    nn.init.orthogonal_(made.weight)
    nn.init.sparse_(made.weight, 0.5)
