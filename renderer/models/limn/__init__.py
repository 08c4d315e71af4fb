"""limn, the built-in model. Importing this package brings no torch; `renderer.models.limn.model` does."""
