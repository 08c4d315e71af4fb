"""Does an engine send what the protocol says? A judge for the live frames of any connected engine.

`watch` keeps what arrives as shots, `measures` are small checks that each compare two things of the frames that must
agree, `readings` are the known mistakes with what would put them right, and `judge` finds the mistakes under which
everything agrees. docs/conformance.md is for the author of a plugin.
"""
