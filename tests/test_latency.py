import math

import numpy as np
import pandas as pd
import pytest
import torch

from handseg_lib import latency
from handseg_lib.errors import ParameterError
from handseg_lib.report import claims


@pytest.fixture
def clock(monkeypatch):
    """A clock that only the networks of a test move."""
    now = [100.0]
    monkeypatch.setattr(latency.time, "perf_counter", lambda: now[0])
    return now


def sleeper(clock, milliseconds, calls=None, name=""):
    def network(x):
        assert not torch.is_grad_enabled() and x.shape == (1, 2, 4, 6)
        clock[0] += milliseconds / 1000
        if calls is not None:
            calls.append(name)
        return x

    return network


X = torch.zeros(1, 2, 4, 6)


def test_times_are_those_of_the_networks(clock):
    times = latency.in_turns({"a": sleeper(clock, 3), "b": sleeper(clock, 12)}, X, turns=4, blocks=2)
    assert list(times) == ["block", "turn", "method", "ms"]
    assert times.groupby("method").size().tolist() == [8, 8]
    np.testing.assert_allclose(times[times["method"] == "a"]["ms"], 3)
    np.testing.assert_allclose(times[times["method"] == "b"]["ms"], 12)
    assert sorted(set(zip(times["block"], times["turn"], strict=True))) == [(b, t) for b in (0, 1) for t in range(4)]


def test_warm_up_is_not_counted_and_each_network_runs_once_a_turn_in_changing_order(clock):
    calls = []
    networks = {name: sleeper(clock, 1, calls, name) for name in "abc"}
    times = latency.in_turns(networks, X, turns=6, blocks=1, warm_up=2)
    assert calls[:6] == list("aabbcc") and len(calls) == 6 + 18 and len(times) == 18
    orders = ["".join(calls[6 + 3 * t : 9 + 3 * t]) for t in range(6)]
    assert all(sorted(order) == list("abc") for order in orders) and len(set(orders)) > 1
    assert list(times["method"]) == calls[6:]


def test_the_order_depends_on_the_seed_only(clock):
    networks = {name: sleeper(clock, 1) for name in "abcd"}
    first, again, other = (latency.in_turns(networks, X, 5, seed=seed)["method"].tolist() for seed in (0, 0, 1))
    assert first == again != other


def test_ratios_are_taken_within_a_turn():
    """A machine that slows down by the turn changes times, not ratios."""
    slow = [1, 2, 5]
    rows = [
        {"block": 0, "turn": t, "method": name, "ms": ms * slow[t]}
        for t in range(3)
        for name, ms in (("a", 4), ("b", 6))
    ]
    ratios = latency.relative(pd.DataFrame(rows), to="a")
    assert ratios["a"].tolist() == [1, 1, 1] and ratios["b"].tolist() == [1.5, 1.5, 1.5]


def test_log_ratios_are_what_claims_compare_takes():
    rng = np.random.default_rng(0)
    rows = [
        {"block": b, "turn": t, "method": name, "ms": ms * math.exp(rng.normal(0, 0.01))}
        for b in range(3)
        for t in range(20)
        for name, ms in (("a", 10), ("b", 11))
    ]
    times = pd.DataFrame(rows)
    logs = latency.log_ratios(times, of="b", to="a")
    assert len(logs) == 3 and all(block.shape == (20,) for block in logs)
    one = times[(times["block"] == 1) & (times["turn"] == 7)].set_index("method")["ms"]
    assert logs[1][7] == pytest.approx(math.log(one["b"] / one["a"]))
    effect = claims.compare(logs, 0.0)
    assert effect.value == pytest.approx(math.log(1.1), abs=0.01)
    assert effect.verdict()[0] == claims.REPRODUCED and effect.verdict(math.log(1.2))[0] == claims.NOT_REPRODUCED
    np.testing.assert_allclose(np.concatenate(logs), -np.concatenate(latency.log_ratios(times, of="a", to="b")))


def test_a_real_module_is_timed():
    times = latency.in_turns({"conv": torch.nn.Conv2d(2, 3, 3).eval()}, X, turns=2, blocks=1)
    assert (times["ms"] > 0).all() and len(times) == 2


@pytest.mark.parametrize("wrong", [{"networks": {}}, {"turns": 0}, {"blocks": 0}])
def test_nothing_to_time_is_refused(wrong):
    with pytest.raises(ParameterError, match="timing needs networks, turns and blocks"):
        latency.in_turns(**{"networks": {"a": torch.nn.Identity()}, "x": X, "turns": 1, **wrong})


def test_unknown_networks_are_named():
    times = latency.in_turns({"a": torch.nn.Identity(), "b": torch.nn.Identity()}, X, turns=1, blocks=1)
    with pytest.raises(ParameterError, match="'c'; there are those of a, b"):
        latency.relative(times, to="c")
    with pytest.raises(ParameterError, match="'c'; there are those of a, b"):
        latency.log_ratios(times, of="c", to="a")
