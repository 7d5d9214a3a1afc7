"""What the goldens hold of a row of logits, in float64. Used by the scripts beside it."""

import numpy as np


def rounded(values):
    """Nine significant digits: a thousandth of what any tolerance asks."""
    return [float(f"{value:.9g}") for value in values]


def row_reference(logits, tokens):
    """logits [T, V] f32, tokens [T] -> logit, log_sum_exp, log_prob (nats) and entropy (nats) of each, as lists [T]."""
    rows = logits.astype(np.float64)
    top = rows.max(axis=1, keepdims=True)
    log_sum_exp = (top + np.log(np.exp(rows - top).sum(axis=1, keepdims=True)))[:, 0]
    log_policy = rows - log_sum_exp[:, None]
    logit = rows[np.arange(len(tokens)), tokens]
    return {
        "logit": rounded(logit),
        "log_sum_exp": rounded(log_sum_exp),
        "log_prob": rounded(logit - log_sum_exp),
        "entropy": rounded(-(np.exp(log_policy) * log_policy).sum(axis=1)),
    }
