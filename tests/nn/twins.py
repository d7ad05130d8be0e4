"""A module here and its twin in PyTorch: one state, then outputs, gradients of inputs and of parameters compared."""

import numpy as np

import minidl
from minidl import nn


def twins(make, torch, dtype="float64"):
    """make(nn) here and in PyTorch, in one dtype, with one state."""
    torch.manual_seed(0)  # a test that fails, fails again
    theirs = make(torch.nn).to(getattr(torch, dtype))
    ours = make(nn).to(dtype)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for value in theirs.parameters():
        torch.nn.init.normal_(value, std=0.5)
    ours.load_state_dict(theirs.state_dict())
    return ours, theirs


def leaves(value, torch):
    """A NumPy array, or a structure of them, as tensors of both kinds; floats that may be written require gradients."""
    if isinstance(value, (tuple, list)):
        pairs = [leaves(v, torch) for v in value]
        return type(value)(p[0] for p in pairs), type(value)(p[1] for p in pairs)
    if not isinstance(value, np.ndarray):
        return value, value
    floating = value.dtype.kind == "f" and value.flags.writeable
    return minidl.tensor(value, requires_grad=floating), torch.tensor(value.copy(), requires_grad=floating)


def tensors(value):
    """The tensors in a structure, in order."""
    if isinstance(value, (tuple, list)):
        return [t for v in value for t in tensors(v)]
    return [value] if hasattr(value, "requires_grad") else []


def compare(ours, theirs, torch, rng, *args, rtol=1e-8, atol=1e-10, **kwargs):
    """Call both with the same arguments, give both outputs the same gradients, compare everything."""
    mine, other = zip(*(leaves(a, torch) for a in args)) if args else ((), ())
    mine_named = {k: leaves(v, torch) for k, v in kwargs.items()}
    y = ours(*mine, **{k: v[0] for k, v in mine_named.items()})
    s = theirs(*other, **{k: v[1] for k, v in mine_named.items()})
    outs, refs = tensors(y), tensors(s)
    assert len(outs) == len(refs)
    assert tensors(s) == [] or type(y) is type(s) or not isinstance(s, (tuple, list)) or isinstance(y, (tuple, list))
    seeds = []
    for a, b in zip(outs, refs):
        assert a.shape == tuple(b.shape)
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=rtol, atol=atol)
        seeds.append(rng.normal(size=a.shape).astype(a.dtype) if a.requires_grad else None)
        assert a.requires_grad == b.requires_grad
    if not any(seed is not None for seed in seeds):
        return y, s
    mine, other = (tensors(list(side) + [v[k] for v in mine_named.values()]) for k, side in enumerate((mine, other)))
    for module in (ours, theirs):
        if hasattr(module, "parameters"):
            module.zero_grad()
            (mine if module is ours else other).extend(module.parameters())
    minidl.autograd.backward(
        [a for a, g in zip(outs, seeds) if g is not None], [minidl.tensor(g) for g in seeds if g is not None]
    )
    torch.autograd.backward(
        [b for b, g in zip(refs, seeds) if g is not None], [torch.tensor(g) for g in seeds if g is not None]
    )
    for a, b in zip(mine, other, strict=True):
        assert (a.grad is None) == (b.grad is None)
        if a.grad is not None:
            np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=rtol, atol=atol)
    return y, s


def second_order(ours, theirs, torch, rng, *args, rtol=1e-7, atol=1e-10):
    """The gradient of the squared norm of the gradients: of inputs and parameters, here and there."""
    mine, other = (list(side) for side in zip(*(leaves(a, torch) for a in args)))
    found = []
    for lib, module, given in ((minidl, ours, mine), (torch, theirs, other)):
        wanted = tensors(given) + list(module.parameters())
        wanted = [t for t in wanted if t.requires_grad]
        loss = sum((t * t * t).sum() for t in tensors(module(*given)) if t.requires_grad)
        gs = lib.autograd.grad(loss, wanted, create_graph=True, allow_unused=True)
        norm = sum((g * g).sum() for g in gs if g is not None)
        again = lib.autograd.grad(norm, wanted, allow_unused=True)
        found.append([None if g is None else g.detach().numpy() for g in again])
    size = max(np.nanmax(np.abs(g), initial=1) for g in found[1] if g is not None)  # 0 but for rounding is 0 beside it
    for a, b in zip(*found):
        zero = lambda g: g is None or not np.abs(g).max(initial=0)
        if not (zero(a) and zero(b)):
            np.testing.assert_allclose(a, b, rtol=rtol, atol=atol * size)
