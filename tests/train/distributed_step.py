"""Run by torchrun or alone: three training steps in float64, and what they leave, into the file named."""

from __future__ import annotations

import sys

import numpy as np
import torch

from simclr_tui.recipe.resolve import make_recipe
from simclr_tui.train.distributed import join_process_group
from simclr_tui.train.loop import gather_projections
from simclr_tui.train.loss import Objective
from simclr_tui.train.model.build import build_encoder
from simclr_tui.train.model.head import build_head
from simclr_tui.train.model.sync_batchnorm import convert_sync_batchnorm

IMAGES = 12


def main(target: str, objective: str) -> None:
    group = join_process_group()
    recipe = make_recipe({"width": 0.125, "image_size": 16, "head_dim": 8, "objective": objective})
    torch.manual_seed(0)
    encoder = build_encoder(recipe)
    head = build_head(recipe, encoder.dim)
    modules = [convert_sync_batchnorm(module.double(), group) for module in (encoder, head)]
    parameters = [parameter for module in modules for parameter in module.parameters()]
    optimizer = torch.optim.SGD(parameters, lr=0.01, momentum=0.9)
    losses = []
    for step in range(3):
        views = torch.rand(2, IMAGES, 3, 16, 16, generator=torch.Generator().manual_seed(step)).double()
        mine = views[:, torch.from_numpy(group.shard(np.arange(IMAGES)))]

        z_a, z_b = head(encoder(mine.flatten(0, 1))).chunk(2)
        loss, _ = Objective.of(recipe)(z_a, z_b, gather_projections(group, z_a, z_b))
        loss.backward()
        losses.append(loss.detach())
        group.all_reduce_mean([losses[-1], *(parameter.grad for parameter in parameters)])
        optimizer.step()
        optimizer.zero_grad()
    if group.is_first:
        torch.save([*losses, *(value for module in modules for value in module.state_dict().values())], target)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
