"""A torch module: retention of one head, token by token."""

import torch
from torch import nn


class Retention(nn.Module):
    """A memory that decays a little before every write."""

    def __init__(self, width: int, decay: float):
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.decay = decay

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """The outputs, one a token [n, width]."""
        memory = tokens.new_zeros(tokens.shape[1], tokens.shape[1])
        outputs = []
        for query, key, value in zip(self.query(tokens), self.key(tokens), self.value(tokens), strict=True):
            memory = self.decay * memory + torch.outer(value, key)
            outputs.append(memory @ query)
        return torch.stack(outputs)
