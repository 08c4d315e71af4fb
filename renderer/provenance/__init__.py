"""What says of a picture that a model made it: a watermark in its pixels, content credentials or a signed manifest
beside them, and the one command that reads all three. Nothing here uses a network."""
