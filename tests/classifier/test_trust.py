import numpy as np
import pytest
from scipy import special

from classifier import trust

DICE = np.random.default_rng(7)


def test_a_threshold_keeps_its_promise_on_messages_not_seen() -> None:
    kept = 0
    for _ in range(40):
        confidence = DICE.uniform(0.4, 1, 6000)
        right = DICE.uniform(size=6000) < confidence
        seen, unseen = slice(0, 3000), slice(3000, 6000)
        threshold = trust.threshold(confidence[seen], right[seen], trust.Promise(0.95, 0.9))
        sure = confidence[unseen] >= threshold
        kept += bool(
            not sure.any() or confidence[unseen][sure].mean() >= 0.95
        )  # the true precision, without the luck of one draw

    assert kept >= 34


def test_a_promise_that_cannot_be_kept_is_never_given() -> None:
    right = np.arange(200) % 2 == 0

    assert trust.threshold(np.full(200, 0.99), right, trust.Promise()) == trust.NEVER


def test_calibration_makes_the_overconfident_honest() -> None:
    true = DICE.uniform(0.5, 0.99, 20_000)
    right = DICE.uniform(size=20_000) < true
    stated = true ** (1 / 3)

    two_labels = np.column_stack([stated, 1 - stated])

    believed = trust.curve(two_labels, right)(two_labels)

    assert trust.calibration_error(stated, right) > 0.1
    assert trust.calibration_error(believed, right) < 0.02


def test_a_set_holds_the_right_label_as_often_as_promised() -> None:
    scores = DICE.normal(size=(8000, 7))
    truth = np.array([DICE.choice(7, p=line) for line in trust.softmax(scores, 1.5)])
    plain = trust.softmax(scores, 1.0)

    floor = trust.floor(plain[:4000], truth[:4000])

    assert (plain[4000:] >= floor)[np.arange(4000), truth[4000:]].mean() == pytest.approx(0.99, abs=0.006)


def test_the_interval_of_nothing_says_nothing() -> None:
    assert trust.interval(0, 0) == (0.0, 1.0)
    low, high = trust.interval(98, 100)
    assert low < 0.98 < high


def test_one_strong_rival_makes_less_sure_than_several_weak_ones() -> None:
    one_rival = np.tile([0.6, 0.38, 0.01, 0.01], (500, 1))
    weak_rivals = np.tile([0.6, 0.14, 0.13, 0.13], (500, 1))
    right = np.concatenate([np.arange(500) % 5 < 3, np.arange(500) % 5 < 4])

    curve = trust.curve(np.vstack([one_rival, weak_rivals]), right)

    assert curve(one_rival[:1])[0] == pytest.approx(0.6, abs=0.02)
    assert curve(weak_rivals[:1])[0] == pytest.approx(0.8, abs=0.02)


def test_a_class_that_is_right_more_often_is_sure_earlier() -> None:
    first = np.repeat([0, 1], 1000)
    stated = np.where(np.arange(3) == first[:, None], 0.9, 0.05)
    right = np.where(first == 0, np.arange(2000) % 50 > 0, np.arange(2000) % 5 > 0)

    curve = trust.curve(stated, right)

    assert curve(stated)[0] == pytest.approx(0.98, abs=0.02)
    assert curve(stated)[-1] == pytest.approx(0.8, abs=0.02)
    assert curve.by_label[2] == 0  # never first: the common line


def test_a_class_with_few_messages_has_the_common_line() -> None:
    stated = np.tile([0.9, 0.05, 0.05], (trust.OWN_LINE - 1, 1))

    assert trust.curve(stated, np.arange(len(stated)) % 10 > 0).by_label == ()


def test_probabilities_are_those_of_scipy_bit_by_bit() -> None:
    scores = np.random.default_rng(12345).normal(size=(50, 524)).astype(np.float32)

    assert (trust.softmax(scores, 7.3) == special.softmax(scores.astype(np.float64) * 7.3, axis=1)).all()


@pytest.mark.parametrize("labels", [1, 2, 3, 524])
def test_a_curve_looks_at_the_three_best(labels: int) -> None:
    probabilities = trust.softmax(np.random.default_rng(1).normal(size=(20, labels)), 3)
    best = np.clip(np.hstack([-np.sort(-probabilities, axis=1)[:, :3], np.zeros((20, 3))])[:, :3], 1e-6, 1 - 1e-6)
    logits = 1.5 * special.logit(best[:, 0]) + 0.2 - 0.3 * np.log(best[:, 1]) - 0.1 * np.log(best[:, 2])

    assert trust.Curve(1.5, 0.2, -0.3, -0.1)(probabilities) == pytest.approx(special.expit(logits))
