"""Several answers of a network are judged one by one."""

import numpy as np
import pytest

from membseg.losses import LOSSES, PixelLoss


@pytest.mark.parametrize("loss", [*LOSSES, "bce+0.5*dice"])
def test_the_loss_of_heads_is_the_mean_of_their_losses(loss):
    rng = np.random.default_rng(0)
    y_true = np.ones((2, 9, 8, 2), np.float32)
    y_true[..., 0] = rng.random((2, 9, 8)) < 0.4
    heads = rng.normal(size=(2, 9, 8, 3)).astype(np.float32)
    judge = PixelLoss(loss)
    single = [float(judge(y_true, heads[..., k : k + 1])) for k in range(3)]
    assert float(judge(y_true, heads)) == pytest.approx(np.mean(single), rel=1e-5)
    assert len(set(single)) == 3
