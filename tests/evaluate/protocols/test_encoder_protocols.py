"""Protocols that run the encoder: the views they see, the proof that it is frozen, fine-tuning."""

from __future__ import annotations

import copy
from dataclasses import replace

import msgspec
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from simclr_tui.errors import DataError, EvaluationError
from simclr_tui.evaluate.augment import crop_and_flip
from simclr_tui.evaluate.context import LabelledImages, labelled_splits
from simclr_tui.evaluate.frozen import digest, frozen
from simclr_tui.evaluate.metrics import compute_metrics
from simclr_tui.evaluate.protocols.finetune import default_epochs, finetune
from simclr_tui.evaluate.protocols.linear_aug import linear_aug
from simclr_tui.evaluate.protocols.probe_search import ProbeTraining
from simclr_tui.evaluate.splits import batches
from simclr_tui.recipe.recipe import Recipe
from simclr_tui.train.data.images import Data, ImageSet
from simclr_tui.train.model.head import build_head
from simclr_tui.train.model.torchvision_import import import_torchvision
from simclr_tui.train.rng import Stream, uniforms
from simclr_tui.train.views.params import draw_crops
from tests.evaluate.contexts import RECIPE, image_context

RECIPE_20 = Recipe(image_size=20, crop_min=0.2)


def test_a_view_is_torchvisions_crop_and_flip_and_nothing_else():
    import_torchvision()
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms import functional as TF

    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (12, 3, 32, 32), dtype=np.uint8))
    images = F.avg_pool2d(images.float(), 3, 1, 1).to(torch.uint8)
    samples = np.arange(40, 52)
    views = crop_and_flip(images, RECIPE_20, seed=5, epoch=2, samples=samples)
    u = uniforms(5, Stream.EVALUATION_VIEWS, 2, samples, 0, 23)
    flips = u[:, 0] < 0.5
    assert 0 < flips.sum() < 12
    for image, view, flip, *box in zip(images, views, flips, *draw_crops(u[:, 1:], 0.2, 32), strict=True):
        expected = TF.resized_crop(
            image / 255.0, *map(int, box), [20, 20], interpolation=InterpolationMode.BICUBIC, antialias=True
        ).clamp(0, 1)
        torch.testing.assert_close(view, expected.flip(-1) if flip else expected, atol=2 / 255, rtol=0)


def test_a_view_is_a_function_of_seed_epoch_and_image_alone():
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (6, 3, 32, 32), dtype=np.uint8))
    whole = crop_and_flip(images, RECIPE_20, np.arange(6), seed=1, epoch=0)
    part = crop_and_flip(images[2:4], RECIPE_20, np.array([2, 3]), seed=1, epoch=0)
    torch.testing.assert_close(whole[2:4], part, atol=1e-6, rtol=0)
    assert not torch.equal(whole, crop_and_flip(images, RECIPE_20, np.arange(6), seed=1, epoch=1))
    assert not torch.equal(whole, crop_and_flip(images, RECIPE_20, np.arange(6), seed=2, epoch=0))


def test_probes_and_fine_tuning_see_the_middle_of_test_images_that_the_recipe_says():
    """A border that is cut away changes nothing; without the cut it does."""
    whole = image_context(n=20, epochs=1)
    framed = _framed(whole.test)
    for crop, unchanged in ((0.5, True), (1.0, False)):
        recipe = msgspec.structs.replace(whole.recipe, eval_crop=crop)
        plain, bordered = (replace(whole, recipe=recipe, test=test) for test in (whole.test, framed))
        assert torch.equal(plain.features.test, bordered.features.test) is unchanged
        tuned = [finetune(context, seed=0, share=1.0).scores for context in (plain, bordered)]
        assert torch.equal(*tuned) is unchanged


def _framed(part: LabelledImages) -> LabelledImages:
    images = part.images.copy()
    images[:, :, [0, -1]] = 255 - images[:, :, [0, -1]]
    return LabelledImages(images, part.labels)


def test_the_digest_sees_parameters_and_buffers_and_nothing_but_them():
    encoder = image_context().encoder
    before = digest(encoder)
    assert digest(copy.deepcopy(encoder).train()) == before
    changed = copy.deepcopy(encoder)
    changed.bn1.running_mean[0] += 1e-6
    assert digest(changed) != before
    changed = copy.deepcopy(encoder)
    changed.conv1.weight[0, 0, 0, 0] += 1e-3
    assert digest(changed) != before


def test_an_encoder_that_leaves_eval_mode_is_found_out():
    context = image_context(epochs=1)
    context.encoder.register_forward_pre_hook(_thaw)
    with pytest.raises(EvaluationError, match="changed"), frozen(context.encoder):
        linear_aug(context, seed=0)


def _thaw(module, _inputs) -> None:
    module.train()


def test_an_encoder_in_training_mode_is_found_out_even_if_nothing_has_changed_yet():
    context = image_context()
    with pytest.raises(EvaluationError, match="training mode"), frozen(context.encoder):
        context.encoder.train()


def test_the_augmented_probe_trains_on_views_and_leaves_the_encoder_alone(monkeypatch):
    seen = []
    monkeypatch.setattr(ProbeTraining, "train", _spying(ProbeTraining.train, seen))
    context = image_context(epochs=2)
    before = digest(context.encoder)
    with frozen(context.encoder) as known:
        found = linear_aug(context, seed=0)
    assert digest(context.encoder) == known == before
    assert found.scores.shape == (50, 10)
    features_of, samples = seen[-1].features_of, np.arange(8)
    views = crop_and_flip(torch.from_numpy(context.train.images[:8]), RECIPE, samples, seed=0, epoch=1)
    torch.testing.assert_close(features_of(1, samples), context.encoder(views), atol=1e-5, rtol=1e-4)
    assert not torch.allclose(features_of(1, samples), context.features.train[:8], atol=1e-3)


def _spying(train, seen):
    def spy(training, *arguments):
        seen.append(training)
        return train(training, *arguments)

    return spy


def test_fine_tuning_walks_as_nesterov_at_the_papers_rate_through_the_whole_network():
    context = image_context(n=40, epochs=3)
    found = finetune(context, seed=2, share=1.0)
    assert found.hyperparameters["labelled_images"] == 40
    encoder = copy.deepcopy(context.encoder).requires_grad_(True).train()
    weight, bias = torch.zeros(10, encoder.dim, requires_grad=True), torch.zeros(10, requires_grad=True)
    parameters = [*encoder.parameters(), weight, bias]
    velocities = [torch.zeros_like(parameter) for parameter in parameters]
    for step in range(3):
        (ids,) = batches(np.arange(40), 256, seed=2, epoch=step)
        views = crop_and_flip(torch.from_numpy(context.train.images[ids]), RECIPE, ids, seed=2, epoch=step)
        loss = F.cross_entropy(encoder(views) @ weight.T + bias, torch.from_numpy(context.train.labels[ids]))
        lr = 0.05 * 40 / 256 * 0.5 * (1 + np.cos(np.pi * step / 3))
        gradients = torch.autograd.grad(loss, parameters)
        with torch.no_grad():
            for parameter, velocity, gradient in zip(parameters, velocities, gradients, strict=True):
                velocity.mul_(0.9).add_(gradient)
                parameter -= lr * (gradient + 0.9 * velocity)
    with torch.no_grad():
        expected = encoder.eval()(torch.from_numpy(context.test.images) / 255.0) @ weight.T + bias
    torch.testing.assert_close(found.scores, expected, atol=1e-4, rtol=1e-2)


def test_fine_tuning_learns_from_the_share_and_keeps_its_hands_off_the_encoder():
    context = image_context(n=300, epochs=50)
    before = digest(context.encoder)
    full = finetune(context, seed=0, share=1.0)
    assert digest(context.encoder) == before
    assert not any(parameter.requires_grad for parameter in context.encoder.parameters())
    assert compute_metrics(full.scores, context.labels(context.test)).top1 > 0.25
    context.settings = type(context.settings)(epochs=2)
    tenth = [finetune(context, seed, share=0.1) for seed in (0, 0, 1)]
    assert tenth[0].hyperparameters["labelled_images"] == 30
    assert torch.equal(tenth[0].scores, tenth[1].scores)
    assert not torch.equal(tenth[0].scores, tenth[2].scores)


@pytest.mark.parametrize("layers", [1, 2])
def test_fine_tuning_begins_after_the_heads_hidden_layers_where_that_is_asked_for(layers):
    context = image_context(n=40, epochs=1)
    torch.manual_seed(1)
    head = build_head(Recipe(head="mlp3", head_hidden=24), context.encoder.dim).requires_grad_(False).eval()
    for norm in (head.bn1, head.bn2):
        torch.nn.init.uniform_(norm.bias, -1.0, 1.0)
    context.head, context.settings = head, replace(context.settings, head_layers=layers)
    views = torch.rand(5, 3, 16, 16)
    expected = context.encoder(views)
    for linear, norm in ((head.linear1, head.bn1), (head.linear2, head.bn2))[:layers]:
        expected = F.relu(norm(linear(expected)))
    torch.testing.assert_close(context.fine_tuned(views), expected)
    assert context.fine_tuned.dim == expected.shape[1] == 24
    before = [digest(context.encoder), digest(head)]
    found = finetune(context, seed=0, share=1.0)
    assert found.hyperparameters["head_layers"] == layers
    assert [digest(context.encoder), digest(head)] == before
    context.settings = replace(context.settings, head_layers=0)
    assert "head_layers" not in finetune(context, seed=0, share=1.0).hyperparameters
    assert context.fine_tuned is context.encoder


@pytest.mark.parametrize(
    ("share", "labels", "epochs"), [(0.01, 12_811, 60), (0.1, 128_116, 30), (1.0, 50_000, 30), (0.01, 500, 200)]
)
def test_epochs_are_the_papers_unless_that_is_too_few_updates(share, labels, epochs):
    assert default_epochs(share, labels) == epochs


@pytest.mark.parametrize(
    ("labels", "classes", "words"),
    [(None, (), "no labels"), ([-1, -1, -1], ("a", "b"), "no labels"), ([0, 0, 0], ("a",), "one class")],
)
def test_images_without_classes_are_refused(labels, classes, words):
    images = ImageSet(np.zeros((3, 3, 4, 4), np.uint8), None if labels is None else np.array(labels))
    with pytest.raises(DataError, match=words):
        labelled_splits(Data(images, images, classes), "mine")


def test_unlabelled_images_are_left_out():
    images = ImageSet(np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1), np.array([0, -1, 1, -1]))
    images = replace(images, groups=("p", "q", "r", "s"))
    train, _test = labelled_splits(Data(images, images, ("a", "b")), "mine")
    assert train.groups == ("p", "r")
    assert train.labels.tolist() == [0, 1]
    assert train.images.ravel().tolist() == [0, 2]
