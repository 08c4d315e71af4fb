"""How good plates are: image metrics, evaluations against path-traced truth, and their reports."""

ROWS = ("engine", "curve", "plain", "limn-s", "limn-l")  # of `worldplate evaluate plates`, in the order of its tables
