"""Metrics: scikit-learn's numbers, whole or batch by batch, also where there is little to say."""

import warnings

import numpy as np
import pytest

import minidl
from minidl.training import metrics as M

sk = pytest.importorskip("sklearn.metrics", reason="scikit-learn is what the metrics are compared with")

AVERAGES = ["macro", "micro", "weighted", None]


@pytest.fixture(autouse=True)
def what_scikit_learn_warns_of():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of classes without examples, which is what is tested
        yield


def streamed(metric, p, t, sizes=(1, 7, 0, 30)):
    """The same data in batches, and through a save in the middle."""
    cuts = np.cumsum(sizes)
    for pp, tt in zip(np.split(p, cuts), np.split(t, cuts)):
        metric.update(minidl.tensor(pp), minidl.tensor(tt))
        state = metric.state_dict()
        metric.reset()
        metric.load_state_dict(state)
    return metric.compute()


def both(metric, expected, p, t):
    np.testing.assert_allclose(metric(p, t), expected, rtol=1e-12, atol=1e-12)
    metric.reset()
    np.testing.assert_allclose(streamed(metric, p, t), expected, rtol=1e-12, atol=1e-12)


def test_accuracy(rng):
    s, t = rng.normal(size=(60, 4)), rng.integers(0, 4, 60)
    both(M.Accuracy(), sk.accuracy_score(t, s.argmax(1)), s, t)
    both(M.Accuracy(), sk.accuracy_score(t, s.argmax(1)), s.argmax(1), t)
    both(M.Accuracy(threshold=0.0), sk.accuracy_score(t > 1, s[:, 0] > 0), s[:, 0], (t > 1).astype(int))
    assert M.accuracy(s, np.eye(4)[t]) == sk.accuracy_score(t, s.argmax(1))  # probabilities
    dense = rng.normal(size=(3, 4, 5, 2)), rng.integers(0, 4, (3, 5, 2))
    assert M.accuracy(*dense) == (dense[0].argmax(1) == dense[1]).mean()
    some = t.copy()
    some[:20] = -100
    assert M.accuracy(s, some, ignore_index=-100) == sk.accuracy_score(t[20:], s[20:].argmax(1))
    assert np.isnan(M.accuracy(s[:0], t[:0]))
    assert M.accuracy([1, 0], [1, 1]) == 0.5


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_top_k_with_ties(rng, k):
    s, t = rng.integers(0, 3, (60, 5)).astype(float), rng.integers(0, 5, 60)
    both(M.TopK(k), sk.top_k_accuracy_score(t, s, k=k, labels=range(5)), s, t)


@pytest.mark.parametrize("normalize", [None, "true", "pred", "all"])
def test_confusion_matrix(rng, normalize):
    p, t = rng.integers(0, 3, 60), rng.choice([0, 1, 3], 60)
    both(M.ConfusionMatrix(5, normalize), sk.confusion_matrix(t, p, labels=range(5), normalize=normalize), p, t)
    assert M.confusion_matrix(p, t).shape == (4, 4)
    assert M.confusion_matrix(p[:0], t[:0]).shape == (0, 0)


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize(
    "ours, theirs", [(M.F1, sk.f1_score), (M.Precision, sk.precision_score), (M.Recall, sk.recall_score)]
)
def test_precision_recall_f1_with_absent_classes(rng, average, ours, theirs):
    p, t = rng.choice([0, 1, 2, 5], 60), rng.choice([0, 1, 4], 60)  # 2 and 5 never true, 4 never said, 3 neither
    both(ours(average), theirs(t, p, average=average, zero_division=0), p, t)
    both(ours(average, classes=7), theirs(t, p, average=average, zero_division=0, labels=range(7)), p, t)
    ones = theirs(t, p, average=average, zero_division=1)
    both(ours(average, zero_division=1), ones, p, t)
    both(ours(average), theirs(t, t, average=average), t, t)


def test_binary_averages_and_beta(rng):
    p, t = rng.integers(0, 2, 60), rng.integers(0, 2, 60)
    assert M.f1(p, t, "binary") == pytest.approx(sk.f1_score(t, p), rel=1e-12)
    assert M.precision(p, t, "binary") == pytest.approx(sk.precision_score(t, p), rel=1e-12)
    assert M.recall(p * 0, t * 0, "binary") == 0.0
    assert M.f_beta(p, t, 2.0, "binary") == pytest.approx(sk.fbeta_score(t, p, beta=2.0), rel=1e-12)


def test_auc_with_ties(rng):
    s, t = rng.integers(0, 6, 60).astype(float), rng.integers(0, 2, 60)
    both(M.AUC(), sk.roc_auc_score(t, s), s, t)
    assert M.auc([0.5, 0.5, 0.5], [0, 1, 1]) == 0.5
    assert np.isnan(M.auc([0.1, 0.2], [1, 1]))
    assert np.isnan(M.AUC().compute())
    inf = np.array([-np.inf, 0.0, np.inf])
    assert M.auc(inf, [0, 0, 1]) == 1.0


@pytest.mark.parametrize("average", AVERAGES)
def test_auc_of_classes_and_labels(rng, average):
    p, t = rng.integers(1, 5, (60, 4)).astype(float), np.concatenate([np.arange(4), rng.integers(0, 4, 56)])
    p /= p.sum(1, keepdims=True)
    both(M.AUC(average), sk.roc_auc_score(t, p, average=average, multi_class="ovr"), p, t)
    labels = rng.integers(0, 2, (60, 4))
    both(M.AUC(average), sk.roc_auc_score(labels, p, average=average), p, labels)
    if average in ("macro", "weighted"):
        both(M.AUC(average, "ovo"), sk.roc_auc_score(t, p, average=average, multi_class="ovo"), p, t)
    two = p[:, :2] / p[:, :2].sum(1, keepdims=True)
    assert M.auc(two, t % 2, average) == pytest.approx(sk.roc_auc_score(t % 2, two[:, 1]), rel=1e-12)


def test_perplexity_is_that_of_the_log_loss(rng):
    s, t = rng.normal(size=(60, 4)), rng.integers(0, 4, 60)
    p = np.exp(s) / np.exp(s).sum(1, keepdims=True)
    expected = np.exp(sk.log_loss(t, p, labels=range(4)))
    both(M.Perplexity(), expected, s, t)
    assert M.perplexity(np.zeros((2, 7, 3)), np.zeros((2, 3), int)) == pytest.approx(7)
    some = np.concatenate([t, [-100] * 5])
    assert M.perplexity(np.concatenate([s, s[:5]]), some) == pytest.approx(expected, rel=1e-12)
    assert np.isnan(M.perplexity(s[:2], np.array([-100, -100])))


def test_r2(rng):
    t = rng.normal(size=(60, 3)) * [1, 5, 0] + 1e6
    p = t + rng.normal(size=(60, 3)) * [0.1, 3, 1]
    for ours, theirs in (("uniform", "uniform_average"), ("variance", "variance_weighted"), (None, "raw_values")):
        np.testing.assert_allclose(M.r2(p, t, ours), sk.r2_score(t, p, multioutput=theirs), rtol=1e-7)
        np.testing.assert_allclose(streamed(M.R2(ours), p, t), sk.r2_score(t, p, multioutput=theirs), rtol=1e-7)
    assert M.r2(p[:, 0], t[:, 0]) == pytest.approx(sk.r2_score(t[:, 0], p[:, 0]), rel=1e-7)
    assert M.r2([2.0, 2.0], [2.0, 2.0]) == 1.0
    assert M.r2([1.0, 3.0], [2.0, 2.0]) == 0.0
    assert np.isnan(M.r2([1.0], [1.0]))
    both(M.MeanSquaredError(), sk.mean_squared_error(t, p), p, t)
    both(M.MeanAbsoluteError(), sk.mean_absolute_error(t, p), p, t)


def test_tensors_on_a_device(device, rng):
    s, t = rng.normal(size=(20, 4)), rng.integers(0, 4, 20)
    there = minidl.tensor(s).to(device), minidl.tensor(t).to(device)
    assert M.accuracy(*there) == M.accuracy(s, t)
    assert M.perplexity(*there) == pytest.approx(M.perplexity(s, t))


@pytest.mark.parametrize(
    "call, said",
    [
        (lambda: M.accuracy(np.zeros(3), np.zeros(3, int)), "threshold=, or numbers of classes"),
        (lambda: M.accuracy(np.zeros((3, 2)), np.zeros(4, int)), r"float64 \(3, 2\) and int64 \(4,\)"),
        (lambda: M.accuracy([0, 1], [0.5, 1]), "these floats are not whole"),
        (lambda: M.f1([0, 1], [0, -1]), "ignore_index=-1"),
        (lambda: M.f1([0, 2], [0, 1], classes=2), "class 2 is out of range for 2 classes"),
        (lambda: M.f1([0, 2], [0, 1], "binary"), "for the classes 0 and 1"),
        (lambda: M.F1("mean"), "average is one of 'macro'"),
        (lambda: M.TopK(0), "k is 1 or more"),
        (lambda: M.top_k(np.zeros((2, 3)), [0, 3]), "class 3 is out of range"),
        (lambda: M.auc([np.nan, 1.0], [0, 1]), "1 of the 2 scores are NaN"),
        (lambda: M.auc([0.0, 1.0], [1, 2]), "0 or 1"),
        (lambda: M.AUC(None, "ovo"), "'macro' and 'weighted'"),
        (lambda: M.r2(np.zeros((3, 1)), np.zeros(3)), "squeeze or unsqueeze one"),
        (lambda: M.R2().load_state_dict({"hits": 1}), "is the state of another metric"),
        (lambda: M.Metric().compute(), "define"),
    ],
)
def test_what_cannot_be_is_said(call, said):
    with pytest.raises((ValueError, TypeError, NotImplementedError), match=said):
        call()
