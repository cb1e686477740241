"""What the student is trained to make small."""

from __future__ import annotations

import torch
from torch.nn import functional as F


def soft_loss(student: torch.Tensor, teacher: torch.Tensor, temperature: float) -> torch.Tensor:
    """T^2 KL(teacher || student) of the softened distributions over the last dimension, mean over the rest.

    Hinton, Vinyals, Dean 2015, arXiv:1503.02531: gradients of the softened part shrink with 1 / T^2, and the
    factor makes up for it.
    """
    classes = student.shape[-1]
    kl = F.kl_div(
        F.log_softmax(student.reshape(-1, classes) / temperature, dim=-1),
        F.log_softmax(teacher.reshape(-1, classes) / temperature, dim=-1),
        reduction="batchmean",
        log_target=True,
    )
    return temperature**2 * kl
