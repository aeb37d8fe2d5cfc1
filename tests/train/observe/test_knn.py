from __future__ import annotations

import numpy as np
import pytest
import torch

import simclr_tui.train.model.torchvision_import  # noqa: F401  (torchvision only after it)
from simclr_tui.recipe.formats import frozen_defaults
from simclr_tui.recipe.presets import load_preset
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.torchvision_import import import_torchvision
from simclr_tui.train.observe.knn import EQUAL, evaluating, extract_features, knn_accuracy, knn_votes, vote_temperature

CPU = torch.device("cpu")
SIDE_32 = Recipe(image_size=32)


def _clusters(n: int, classes: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    centres = np.random.default_rng(0).normal(size=(classes, 12))
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, n)
    features = (centres[labels] + 1.3 * random.normal(size=(n, 12))) * random.uniform(0.1, 10, (n, 1))
    return torch.tensor(features, dtype=torch.float32), torch.tensor(labels)


def _loop(bank, bank_labels, queries, labels, classes, k, temperature) -> float:
    bank, queries = bank.numpy().astype(np.float64), queries.numpy().astype(np.float64)
    hits = 0
    for query, label in zip(queries, labels.tolist(), strict=True):
        cosine = bank @ query / (np.linalg.norm(bank, axis=1) * np.linalg.norm(query))
        votes = np.zeros(classes)
        for i in np.argsort(-cosine)[:k]:
            votes[bank_labels[i]] += np.exp(cosine[i] / temperature)
        hits += votes.argmax() == label
    return hits / len(queries)


@pytest.mark.parametrize(("k", "temperature"), [(1, 0.1), (20, 0.1), (200, 0.1), (200, 1.0), (5000, 0.07), (10, EQUAL)])
def test_the_accuracy_equals_a_loop_over_the_definition(k, temperature):
    bank, bank_labels = _clusters(600, 7, 1)
    queries, labels = _clusters(301, 7, 2)
    expected = _loop(bank, bank_labels, queries, labels, 7, k, temperature)
    assert 0.3 < expected < 0.95
    for chunk in (64, 1000):
        ours = knn_accuracy(
            bank, bank_labels, queries, query_labels=labels, classes=7, k=k, temperature=temperature, chunk=chunk
        )
        assert ours == pytest.approx(expected, abs=1e-12)


def test_nearer_neighbours_weigh_more_than_many_far_ones():
    bank = torch.tensor([[1.0, 0.0], [0.3, 1.0], [0.3, 1.0], [0.3, 1.0]])
    labels = torch.tensor([1, 0, 0, 0])
    query, truth = torch.tensor([[1.0, 0.01]]), torch.tensor([1])
    assert knn_accuracy(bank, labels, query, query_labels=truth, classes=2, k=4, temperature=0.1) == 1.0
    assert knn_accuracy(bank, labels, query, query_labels=truth, classes=2, k=4, temperature=100.0) == 0.0


def test_equal_weights_are_a_count_of_neighbours():
    bank, bank_labels = _clusters(200, 3, 1)
    queries, _ = _clusters(40, 3, 2)
    votes = knn_votes(bank, bank_labels, queries, classes=3, k=10, temperature=EQUAL)
    assert torch.equal(votes, votes.round())
    assert (votes.sum(dim=1) == 10).all()
    assert vote_temperature(Recipe(knn_weights="equal")) == EQUAL
    assert vote_temperature(Recipe()) == 0.1


@pytest.fixture(scope="module")
def encoder():
    torch.manual_seed(0)
    return build_encoder(Recipe(width=0.25))


def _images(n: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 3, height, width), dtype=np.uint8)


def test_features_are_the_encoders_in_eval_mode_in_order(encoder):
    images = _images(10, 32, 32)
    h = extract_features(encoder, images, SIDE_32, device=CPU, batch=4)
    with evaluating(encoder), torch.no_grad():
        expected = encoder(torch.from_numpy(images) / 255.0)
    assert h.dtype == torch.float32
    torch.testing.assert_close(h, expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(
        extract_features(encoder, torch.from_numpy(images), SIDE_32, device=CPU), h, atol=1e-5, rtol=1e-4
    )


@pytest.mark.parametrize("training", [True, False])
def test_parameters_buffers_gradients_and_modes_are_left_as_they_were(encoder, training):
    encoder.train(training)
    encoder.layer2[0].bn1.eval()  # a module that stands apart keeps its own mode
    modes = [module.training for module in encoder.modules()]
    before = {name: value.clone() for name, value in encoder.state_dict().items()}
    extract_features(encoder, _images(5, 32, 32), SIDE_32, device=CPU, autocast=torch.bfloat16)
    assert [module.training for module in encoder.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in encoder.state_dict().items())
    assert all(p.grad is None and p.requires_grad for p in encoder.parameters())


def test_the_modes_come_back_even_after_an_error(encoder):
    encoder.train()
    with pytest.raises(RuntimeError, match="channels"):
        extract_features(encoder, np.zeros((2, 5, 32, 32), np.uint8), SIDE_32, device=CPU)
    assert all(module.training for module in encoder.modules())


def test_bf16_features_come_back_as_float32_and_close(encoder):
    images = _images(6, 32, 32)
    plain = extract_features(encoder, images, SIDE_32, device=CPU)
    fast = extract_features(encoder, images, SIDE_32, device=CPU, autocast=torch.bfloat16)
    assert fast.dtype == torch.float32
    assert not torch.equal(fast, plain)
    torch.testing.assert_close(fast, plain, atol=0.05, rtol=0.05)


@pytest.mark.parametrize(("height", "width"), [(48, 48), (20, 20), (60, 40), (33, 70)])
def test_other_sizes_are_resized_by_their_shorter_side_and_centred(height, width):
    import_torchvision()
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms import functional as F

    images = _images(3, height, width)
    expected = F.resize(torch.from_numpy(images) / 255.0, 32, InterpolationMode.BICUBIC, antialias=True)
    expected = F.center_crop(expected.clamp(0, 1), [32, 32]).flatten(1)
    ours = extract_features(Pixels(), images, SIDE_32, device=CPU)
    torch.testing.assert_close(ours, expected, atol=1e-5, rtol=0)


class Pixels(torch.nn.Module):
    def forward(self, x):
        return x.flatten(1)


@pytest.mark.parametrize("side", [256, 512, 300])
def test_imagenet_is_evaluated_on_the_middle_224_of_images_resized_to_256(side):
    import_torchvision()
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms import functional as F

    images = _images(2, side, side)
    resized = F.resize(torch.from_numpy(images) / 255.0, 256, InterpolationMode.BICUBIC, antialias=True).clamp(0, 1)
    recipe = Recipe(**load_preset("paper-imagenet"))
    ours = extract_features(Pixels(), images, recipe, device=CPU)
    torch.testing.assert_close(ours, F.center_crop(resized, [224, 224]).flatten(1), atol=1e-5, rtol=0)


def test_images_stored_at_256_are_cropped_and_never_resampled():
    images = _images(2, 256, 256)
    ours = extract_features(Pixels(), images, Recipe(image_size=224, eval_crop=0.875), device=CPU)
    assert torch.equal(ours, (torch.from_numpy(images)[..., 16:240, 16:240] / 255.0).flatten(1))


def test_squares_of_the_views_side_are_seen_whole_and_to_the_bit_by_default():
    images = _images(3, 32, 32)
    seen = extract_features(Pixels(), images, SIDE_32, device=CPU)
    assert torch.equal(seen, torch.tensor(images).flatten(1) / 255.0)
    assert frozen_defaults(1)["eval_crop"] == Recipe().eval_crop == 1.0
