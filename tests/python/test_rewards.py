"""Rewards from logits and log-probabilities of one's own, and grading."""

import numpy as np
import pytest

import endorm


def test_token_rewards_are_the_papers():
    random = np.random.default_rng(1)
    logits = random.normal(size=(5, 300)).astype(np.float32)
    ids = random.integers(300, size=5)
    for alpha in (1.0, 0.5):
        q = logits[np.arange(5), ids].astype(np.float64)
        value = alpha * np.log(np.exp(logits.astype(np.float64) / alpha).sum(axis=1))
        tokens = endorm.token_rewards(logits, ids, alpha=alpha)
        assert len(tokens) == 5
        assert np.allclose(tokens.q, q) and np.allclose(tokens.values, value)
        assert np.allclose(tokens.rewards, q - np.append(value[1:], 0.0))
        assert np.allclose(tokens.log_probs, (q - value) / alpha)
        assert endorm.soft_value(logits[0], alpha=alpha) == pytest.approx(value[0])


@pytest.mark.parametrize(
    "logits, ids, said",
    [
        (np.zeros((2, 3), np.float32), np.array([0]), "2 rows"),
        (np.zeros((1, 3), np.float32), np.array([3]), "vocabulary of 3"),
        (np.full((1, 3), np.nan, np.float32), np.array([0]), "NaN|nan"),
    ],
)
def test_wrong_logits_are_refused(logits, ids, said):
    with pytest.raises(ValueError, match=said):
        endorm.token_rewards(logits, ids)


def test_aggregate():
    log_probs = np.array([-1.0, -2.0, -4.0])
    all_of_them = endorm.aggregate(log_probs, gamma=0.5, steps=[(0, 1), (1, 3)], chunk=2, last_k=1)
    assert all_of_them.sum == -7.0 and all_of_them.discounted == -3.0 and all_of_them.last_k == -4.0
    assert all_of_them.step_mean == -2.0 and all_of_them.min_step == -3.0 and all_of_them.chunked_mean == -2.75
    assert endorm.aggregate(log_probs, value=10.0).sum == 3.0
    assert endorm.aggregate(log_probs.astype(np.float32)).sum == -7.0
    with pytest.raises(ValueError, match="no step|steps"):
        endorm.aggregate(log_probs)["min_step"]
    with pytest.raises(ValueError):
        endorm.aggregate(np.array([]))
    with pytest.raises(ValueError, match="cover"):
        endorm.aggregate(log_probs, steps=[(0, 2)])


def test_torch_tensors_are_read_in_place():
    torch = pytest.importorskip("torch")
    logits = torch.randn(3, 50)
    tokens = endorm.token_rewards(logits, torch.tensor([1, 2, 3]))
    expected = torch.log_softmax(logits.double(), dim=-1)[range(3), [1, 2, 3]]
    assert np.allclose(tokens.log_probs, expected.numpy())


def test_grade():
    right = endorm.grade("So we get \\boxed{0.5}.", "1/2")
    assert right and right.verdict == "correct" and right.side is None
    assert not endorm.grade("It is 3.", "4")
    unread = endorm.grade("", "4")
    assert unread.verdict == "unparsable" and unread.side == "answer"
    assert endorm.grade("3.1", "3", tolerance=0.2)
    assert endorm.extract_answer("The answer is 42.") == "42"
    with pytest.raises(ValueError, match="tolerance"):
        endorm.grade("1", "1", tolerance=-1.0)


def test_bench(tiny):
    pairs = [{"prompt": f"Say {i}", "chosen": f"{i}", "rejected": f"no {i} and more"} for i in range(12)]
    told = []
    report = endorm.bench(
        "pairs", pairs, engine=tiny, judges=["endorm", "length"], progress=lambda done, total: told.append((done, total))
    )
    names = [judge["name"] for judge in report["judges"]]
    assert names == ["endorm", "length"] and told[-1] == (24, 24)
    figure = report["judges"][0]["figures"][0]
    wins = sum(one.rewards[0] > one.rewards[1] for one in endorm.score(pairs, engine=tiny))
    assert figure["name"] == "accuracy" and figure["n"] == 12 and figure["value"] == pytest.approx(wins / 12)
    assert figure["interval"][0] <= figure["value"] <= figure["interval"][1]
    with pytest.raises(ValueError, match="unheard"):
        endorm.bench("unheard", pairs, engine=tiny)
    assert "pairs" in endorm.benchmark_names() and "endorm" in endorm.judge_names()
