"""Identity: normalise → match → resolve. Which records are one customer, under ids that last."""
