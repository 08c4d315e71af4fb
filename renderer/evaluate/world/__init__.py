"""World consistency from engine truth: does a place stay what it was? Each figure is an excess over the engine's own
frames, and no network judges another."""

ROWS = ("engine", "plain", "forgetful", "model", "held")  # of `worldplate evaluate world`, in the order of its tables
