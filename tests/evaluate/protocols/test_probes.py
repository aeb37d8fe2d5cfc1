"""The frozen protocols against references that share no code with them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, top_k_accuracy_score

from simclr_tui.evaluate.metrics import compute_metrics
from simclr_tui.evaluate.protocols.knn import knn
from simclr_tui.evaluate.protocols.linear import linear
from simclr_tui.evaluate.protocols.logreg import L2, SoftmaxRegression, logreg, predict
from simclr_tui.evaluate.protocols.probe_search import DECAYS, RATES
from simclr_tui.evaluate.protocols.probes import Probes, candidates
from simclr_tui.evaluate.splits import batches, hold_out
from simclr_tui.train.observe.knn import knn_accuracy
from tests.evaluate.contexts import clusters, feature_context


def test_every_probe_of_a_sweep_walks_as_torchs_nesterov_sgd():
    h, labels = (torch.tensor(part) for part in clusters(64, 5, 9, 0))
    h = h.float()
    swept = candidates((0.02, 0.1), (0.0, 0.01))
    ours = Probes(swept, classes=5, dim=9, device=h.device)
    theirs = [torch.nn.Linear(9, 5) for _ in swept]
    optimizers = []
    for layer, (rate, decay) in zip(theirs, swept, strict=True):
        torch.nn.init.zeros_(layer.weight)
        torch.nn.init.zeros_(layer.bias)
        groups = [{"params": [layer.weight], "weight_decay": decay}, {"params": [layer.bias], "weight_decay": 0.0}]
        optimizers.append(torch.optim.SGD(groups, lr=rate / 2, momentum=0.9, nesterov=True))
    for step in range(30):
        part = slice(step % 2 * 32, step % 2 * 32 + 32)
        ours.step(h[part], labels[part], scale=0.5)
        for layer, optimizer in zip(theirs, optimizers, strict=True):
            optimizer.zero_grad()
            F.cross_entropy(layer(h[part]), labels[part]).backward()
            optimizer.step()
    for index, layer in enumerate(theirs):
        torch.testing.assert_close(ours.logits(h)[:, index], layer(h), atol=1e-4, rtol=1e-4)


def _numpy_probe(h, labels, classes, samples, epochs, seed, rate, decay):
    """Linear evaluation from its definition, in float64: weights (C, dim) and bias (C,) after the last epoch."""
    weight, bias = np.zeros((classes, h.shape[1])), np.zeros(classes)
    weight_velocity, bias_velocity = np.zeros_like(weight), np.zeros_like(bias)
    parts = int(np.ceil(len(samples) / 256))
    steps, step = parts * epochs, 0
    for epoch in range(epochs):
        for ids in batches(samples, 256, seed=seed, epoch=epoch):
            logits = h[ids] @ weight.T + bias
            probability = np.exp(logits - logits.max(axis=1, keepdims=True))
            probability /= probability.sum(axis=1, keepdims=True)
            error = (probability - np.eye(classes)[labels[ids]]) / len(ids)
            lr = rate * len(samples) / parts / 256 * 0.5 * (1 + np.cos(np.pi * step / steps))
            gradient = error.T @ h[ids] + decay * weight
            weight_velocity = 0.9 * weight_velocity + gradient
            bias_velocity = 0.9 * bias_velocity + error.sum(axis=0)
            weight -= lr * (gradient + 0.9 * weight_velocity)
            bias -= lr * (error.sum(axis=0) + 0.9 * bias_velocity)
            step += 1
    return weight, bias


def test_the_linear_probe_is_the_definition_in_float64_with_the_best_of_the_held_out():
    context = feature_context(n=600, epochs=15)
    found = linear(context, seed=4)
    h, labels = context.features.train.double().numpy(), context.train.labels
    fit, held = hold_out(labels, 4)
    accuracy = {}
    for rate in RATES:
        for decay in DECAYS:
            weight, bias = _numpy_probe(h, labels, 7, fit, 15, 4, rate, decay)
            accuracy[rate, decay] = np.mean((h[held] @ weight.T + bias).argmax(axis=1) == labels[held])
    chosen = found.chosen["lr"], found.chosen["weight_decay"]
    assert found.validation == pytest.approx(max(accuracy.values()), abs=1e-9)
    assert accuracy[chosen] == max(accuracy.values())
    assert min(accuracy.values()) < max(accuracy.values()), "the sweep had nothing to choose"
    weight, bias = _numpy_probe(h, labels, 7, np.arange(600), 15, 4, *chosen)
    expected = context.features.test.double().numpy() @ weight.T + bias
    np.testing.assert_allclose(found.scores.numpy(), expected, atol=2e-2, rtol=2e-3)
    assert (found.scores.numpy().argmax(axis=1) == expected.argmax(axis=1)).mean() > 0.99


@pytest.mark.parametrize("l2", [1.0, 1e-2, 1e-4])
def test_logistic_regression_is_scikit_learns(l2):
    h, labels = clusters(300, 4, 10, 5)
    ours = SoftmaxRegression(torch.tensor(h), torch.tensor(labels), 4).fit(l2).numpy()
    theirs = LogisticRegression(C=1 / (len(h) * l2), tol=1e-10, max_iter=20_000).fit(h, labels)
    np.testing.assert_allclose(ours[:, :-1], theirs.coef_, atol=2e-4 * np.abs(theirs.coef_).max())
    # A constant added to every bias changes nothing.
    bias, their_bias = (value - value.mean() for value in (ours[:, -1], theirs.intercept_))
    np.testing.assert_allclose(bias, their_bias, atol=1e-3 * np.abs(theirs.coef_).max())
    probability = torch.softmax(predict(torch.tensor(h), torch.tensor(ours)), dim=1).numpy()
    np.testing.assert_allclose(probability, theirs.predict_proba(h), atol=2e-4)


def test_a_warm_start_ends_where_a_cold_one_does():
    h, labels = (torch.tensor(part) for part in clusters(300, 4, 10, 5))
    regression = SoftmaxRegression(h, labels, 4)
    warm = regression.fit(1e-3, regression.fit(1.0))
    torch.testing.assert_close(predict(h, warm), predict(h, regression.fit(1e-3)), atol=2e-3, rtol=1e-3)


def test_the_penalty_is_the_best_on_held_out_training_images_by_scikit_learn_too():
    context = feature_context(n=200, dim=40)
    found = logreg(context, seed=1)
    h, labels = context.features.train.double().numpy(), context.train.labels
    fit, held = hold_out(labels, 1)
    accuracy = {
        l2: LogisticRegression(C=1 / (len(fit) * l2), tol=1e-8, max_iter=5000).fit(h[fit], labels[fit])
        .score(h[held], labels[held])
        for l2 in L2[::4]
    }  # fmt: skip
    assert found.validation >= max(accuracy.values()) - 1 / len(held)
    assert found.validation > min(accuracy.values())
    final = LogisticRegression(C=1 / (len(h) * found.chosen["l2"]), tol=1e-8, max_iter=5000).fit(h, labels)
    theirs = final.decision_function(context.features.test.double().numpy())
    assert (found.scores.numpy().argmax(axis=1) == theirs.argmax(axis=1)).mean() > 0.98


@pytest.mark.parametrize("protocol", [linear, logreg])
def test_the_test_images_have_no_say_in_what_is_chosen(protocol):
    context, other = feature_context(epochs=5), feature_context(epochs=5)
    permuted = (context.features.test_labels + 1) % 7
    other.features = dataclasses.replace(context.features, test=-context.features.test, test_labels=permuted)
    one, two = protocol(context, seed=0), protocol(other, seed=0)
    assert (one.chosen, one.validation) == (two.chosen, two.validation)
    assert not torch.equal(one.scores, two.scores)


@pytest.mark.parametrize("protocol", [linear, logreg])
def test_a_seed_gives_the_same_to_the_bit_and_another_seed_another_split(protocol):
    found = [protocol(feature_context(epochs=3), seed) for seed in (0, 0, 1)]
    assert torch.equal(found[0].scores, found[1].scores)
    assert found[0].validation == found[1].validation
    assert not torch.equal(found[0].scores, found[2].scores) or found[0].validation != found[2].validation


def test_knn_gives_the_monitors_accuracy():
    context = feature_context()
    features = context.features
    found = compute_metrics(knn(context, seed=0).scores, features.test_labels)
    expected = knn_accuracy(
        features.train, features.train_labels, features.test, query_labels=features.test_labels, classes=7, k=20
    )
    assert found.top1 == expected
    assert 0.3 < found.top1 < 0.99


def test_scores_are_judged_as_scikit_learn_judges_them():
    random = np.random.default_rng(0)
    scores, labels = random.normal(size=(300, 8)), random.integers(0, 8, 300)
    found = compute_metrics(torch.tensor(scores), torch.tensor(labels))
    assert found.top1 == pytest.approx(top_k_accuracy_score(labels, scores, k=1))
    assert found.top5 == pytest.approx(top_k_accuracy_score(labels, scores, k=5))
    assert (found.confusion.numpy() == confusion_matrix(labels, scores.argmax(axis=1))).all()
    few = compute_metrics(torch.tensor(scores[:, :5]), torch.tensor(labels % 5))
    assert few.top5 is None
