"""What is generated of held-out labels, and of those whose x and y trained labels connect, as an affine hull does."""

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

import phasescope.studies as ps
from phasescope.studies.readings.held_out import REACH_PX, accuracies_of, held_out_and_trained


def in_one_component(seen: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return whether x and y of each label (n, 2) lie in one component of the graph that joins x and y of every seen label
    (m, 2), whole numbers from 0 on: the labels of sums that an affine hull of the seen images reaches."""
    size = int(max(seen.max(), labels.max(initial=0))) + 1
    (x, y), (of_x, of_y) = seen.T.astype(int), labels.T.astype(int)
    edges = coo_array((np.ones(len(x)), (x, size + y)), shape=(2 * size, 2 * size))
    component = connected_components(edges, directed=False)[1]
    return component[of_x] == component[size + of_y]


def seen_once(seen: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Return the labels (n, 2) farther than 1 px from every seen one whose x and whose y are each in one seen label."""
    once = [(seen[:, k] == labels[:, k, None]).sum(1) == 1 for k in (0, 1)]
    far = np.abs(labels[:, None] - seen).max(axis=2).min(axis=1) > REACH_PX
    return labels[once[0] & once[1] & far]


def read_composed(run) -> list[dict]:
    """Return the accuracy at the end on held-out and trained labels, and on held-out ones whose x and y were each seen once,
    `joined` by other seen labels or `apart`."""
    world = ps.config_of(run).world
    seen = world.training_labels()
    once = seen_once(seen, np.concatenate(list(world.held_out().values())))
    joined = in_one_component(2 * seen, 2 * once)  # whole numbers, also of labels half a pixel apart
    return [accuracies_of(run, {**held_out_and_trained(run), "joined": once[joined], "apart": once[~joined]})]
