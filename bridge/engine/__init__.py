"""The embedded engine: worlds of primitives, MuJoCo physics and exact planes, without a game engine."""
