"""Adapters: published models from a folder of the user's, behind the same interface as limn.

A model folder holds weights and one `model.toml`, its manifest (`manifest.py`): everything that differs between models
is data there, and no constant in code.
"""
