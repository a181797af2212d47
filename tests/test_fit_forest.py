"""Growing forests: they learn, the same seed gives the same bits, and a run of one is a run like any other."""

import numpy as np
import pandas as pd
import pytest
import tiny_runs
import torch

from handseg_lib.errors import RunError
from handseg_lib.profiles import Schedule
from handseg_lib.train import device, registry, request, version
from handseg_lib.train.fit_forest import draw_pixels, every_frame_once, fit_forest, level_order, rounded_down, shares
from handseg_lib.train.registry import Augmentation, Data
from handseg_lib.train.sets import open_set

OPTIONS = {"offsets": 60, "largest_offset": 60.0, "pixels": 90}


def config(**changes: object):
    fields = {"model": "forest", "options": OPTIONS, "input_size": (24, 32), "augmentation": Augmentation(flip=0.0)}
    return tiny_runs.config(**{**fields, **changes})


def fitted(seed: int = 0, **changes: object):
    sets = tiny_runs.Squares("train", 20), tiny_runs.Squares("val", 3)
    return fit_forest(config(**changes), seed, *sets, device.start())


@pytest.fixture(scope="module")
def forest():
    return fitted()


def test_learns_which_square_is_nearer(forest):
    assert list(forest.history.columns) == ["step", "loss", "lr", "validation"]
    assert forest.history["step"].tolist() == [1, 2, 3] and forest.history["lr"].isna().all()
    assert forest.history["validation"].iloc[-1] > 0.9 and forest.seconds > 0
    assert forest.history["loss"].iloc[-1] < forest.history["loss"].iloc[0] + 0.05


def test_same_seed_same_bits_on_any_number_of_threads(forest):
    again = fitted(schedule=Schedule(steps=1, batch=1, lr=0.1, threads=2)).network.state_dict()
    other = fitted(seed=1).network.state_dict()
    mine = forest.network.state_dict()
    assert all(torch.equal(mine[key], again[key]) for key in mine)
    assert not torch.equal(mine["offsets"][:1], other["offsets"][:1])


def test_histograms_are_shares_of_all_pixels_that_pass(forest):
    """Counted anew with tensors: the root of each tree has seen every pixel with a reading."""
    network = forest.network
    total = torch.zeros(3)
    for x, ids in every_frame_once(config(), 0, tiny_runs.Squares("train", 20)):
        total += ids[x[1] > 0].bincount(minlength=3)
    weights = (total.sum() / (3 * total)) ** {"frequency": 1.0, "none": 0.0}[config().weighting]
    expected = total * weights / (total * weights).sum()
    for root in network.roots.tolist():
        torch.testing.assert_close(network.histograms[root], expected)
    torch.testing.assert_close(network.histograms.sum(dim=1), torch.ones(len(network.branches)))


def test_without_weights_hands_are_as_rare_as_they_are():
    even, plain = fitted().network, fitted(weighting="none").network
    assert torch.equal(even.branches, plain.branches)  # the same trees
    assert plain.histograms[0, 0] > 0.7 > even.histograms[0, 0]


def test_pixels_are_drawn_evenly_and_only_where_there_is_a_reading():
    network, stream = fitted().network, every_frame_once(config(), 0, tiny_runs.Squares("train", 20))
    features, labels = draw_pixels(network, np.zeros((1, 4), np.float32), stream, 0, device.start())
    assert np.bincount(labels).tolist()[0] == 20 * 30 and set(labels) == {0, 1, 2}
    assert (features == 0).all() and len(features) == len(labels)
    network.most_pixels = 20 * 9
    assert np.bincount(draw_pixels(network, np.zeros((1, 4), np.float32), stream, 0, device.start())[1])[0] == 20 * 3


def test_trees_in_level_order():
    left, right = np.array([1, 2, -1, -1, -1]), np.array([4, 3, -1, -1, -1])
    order, first = level_order(left, right)
    assert order.tolist() == [0, 1, 4, 2, 3] and first.tolist() == [1, 3, 0, 0, 0]


def test_thresholds_rounded_down_decide_the_same():
    rng = np.random.default_rng(0)
    thresholds = rng.normal(size=2000)
    values = np.concatenate([thresholds.astype(np.float32), np.nextafter(thresholds.astype(np.float32), np.float32(9))])
    for value in (values[:2000], values[2000:]):
        assert np.array_equal(value <= thresholds, value <= rounded_down(thresholds))
    assert (rounded_down(thresholds) <= thresholds).all() and rounded_down(thresholds).dtype == np.float32


def test_nodes_that_nothing_passed_think_what_their_parent_thinks():
    counts = np.array([[3, 1], [3, 1], [0, 0], [0, 0], [3, 1]])
    assert shares(counts, np.array([1, 3, 0, 0, 0])).tolist() == [[0.75, 0.25]] * 5


def test_runs_that_cannot_be():
    with pytest.raises(RunError, match="a forest compares depths; its data have inputs 'rgb'"):
        rgb = Data(source="squares", split="val", count=3, inputs="rgb")
        test = registry.Evaluation(
            name="a", data=rgb, label_map="left_right", upsampling="bilinear", only_measured=False
        )
        fitted(train=rgb, validation=rgb, tests=(test,))
    with pytest.raises(RunError, match=r"one class only; pixels of each class: \[\d+, 0\]"):
        blind = tiny_runs.Squares("train", 20)
        blind.__class__ = type("Blind", (tiny_runs.Squares,), {"__getitem__": hide})
        fit_forest(config(label_map="hand"), 0, blind, tiny_runs.Squares("val", 3), device.start())


def hide(self, index):
    sample = tiny_runs.Squares.__getitem__(self, index)
    return type(sample)(sample.id, np.zeros_like(sample.labels), sample.depth)


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("HANDSEG_REPORTS", str(tmp_path / "reports"))
    tiny_runs.install(monkeypatch.setattr, monkeypatch.setitem)
    monkeypatch.setitem(registry.RUNS, "tiny/run", lambda profile: config())
    return tmp_path


def test_a_run_is_stored_measured_and_reused(home, monkeypatch):
    run = tiny_runs.ask()
    assert run.metrics["squares"]["mean_iou_hands"] > 0.8
    monkeypatch.setattr("handseg_lib.train.fit_forest.fit_forest", lambda *_: pytest.fail("grown again"))
    again, reused = tiny_runs.ask(), tiny_runs.ask(reuse=True)
    assert again.metrics == run.metrics == reused.metrics
    pd.testing.assert_frame_equal(again.history, reused.history)
    weights, expected = reused.model().state_dict(), run.model().state_dict()
    assert all(torch.equal(weights[key], expected[key]) for key in expected)


def test_a_forest_that_was_killed_leaves_nothing(home, monkeypatch):
    with monkeypatch.context() as dying:
        dying.setattr("handseg_lib.train.fit_forest.count_pixels", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            tiny_runs.ask()
    assert not [path for path in home.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert tiny_runs.ask().metrics["squares"]


def test_how_forests_are_grown_is_part_of_their_version_only(monkeypatch):
    before = version.training_code("forest"), version.training_code("handseg")
    monkeypatch.setitem(version.OWN_TRAINING, "forest", ())
    assert version.training_code("forest") != before[0] and version.training_code("handseg") == before[1]


def test_training_sets_may_be_real(tmp_path, monkeypatch):
    """A real training set that is not there is an error that says what to set, and one that is there is opened."""
    monkeypatch.setenv("HANDSEG_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("HANDSEG_REPORTS", str(tmp_path / "reports"))
    monkeypatch.delenv("HANDSEG_DATA_ROOT", raising=False)
    monkeypatch.setattr("handseg_lib.paths.data_root", lambda: None)
    asked = []

    def opened(data, root=None):
        asked.append((data.source, root))
        return tiny_runs.Squares(data.split, data.count) if not data.real or root else open_set(data, root)

    tiny_runs.install(monkeypatch.setattr, monkeypatch.setitem)
    real = Data(source="handseg", split="train", count=20)
    monkeypatch.setitem(registry.RUNS, "tiny/run", lambda profile: config(train=real))
    monkeypatch.setattr(request, "open_set", opened)
    with pytest.raises(RunError, match="the real handseg frames need the real data's folder: set HANDSEG_DATA_ROOT"):
        tiny_runs.ask()
    assert tiny_runs.ask(data_root=tmp_path).metrics["squares"]
    assert ("handseg", tmp_path) in asked and ("squares", tmp_path) in asked
