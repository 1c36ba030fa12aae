"""WAR and UAR against scikit-learn and torchmetrics, and where a macro average would lie."""

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score, confusion_matrix
from torchmetrics.classification import MulticlassAccuracy, MulticlassRecall

from dferbench.experiment import metrics


@pytest.mark.parametrize("seed", range(5))
def test_against_independent_libraries(seed):
    rng = np.random.default_rng(seed)
    truth = np.concatenate([np.arange(7), rng.integers(0, 7, 200)])
    said = rng.integers(0, 7, len(truth))
    matrix = confusion_matrix(truth, said, labels=range(7)).tolist()
    assert metrics.war(matrix) == pytest.approx(100 * accuracy_score(truth, said))
    assert metrics.uar(matrix) == pytest.approx(100 * balanced_accuracy_score(truth, said))
    pair = torch.from_numpy(said), torch.from_numpy(truth)
    assert metrics.war(matrix) == pytest.approx(100 * float(MulticlassAccuracy(7, average="micro")(*pair)))
    assert metrics.uar(matrix) == pytest.approx(100 * float(MulticlassRecall(7, average="macro")(*pair)))


def test_a_class_without_videos_does_not_count():
    matrix = [[3, 1, 0], [0, 1, 1], [0, 0, 0]]
    assert metrics.uar(matrix) == pytest.approx(100 * (0.75 + 0.5) / 2)
    assert metrics.recalls(matrix) == [0.75, 0.5, None]


def test_pooled_is_not_the_mean():
    first, second = [[9, 1], [0, 10]], [[1, 0], [5, 5]]
    assert metrics.pool([first, second]) == [[10, 1], [5, 15]]
    assert metrics.war(metrics.pool([first, second])) != (metrics.war(first) + metrics.war(second)) / 2


def test_nothing_at_all():
    assert metrics.war([[0, 0], [0, 0]]) == metrics.uar([[0, 0], [0, 0]]) == 0.0
