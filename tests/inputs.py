"""Inputs as runs build them: samplers, augmentations and whole pipelines from the catalog."""

from dataclasses import replace
from functools import cache

from dferbench.data import pipeline
from dferbench.data.loader import VideoLoader
from dferbench.registry.catalog import discover
from dferbench.types import Input


@cache
def catalog():
    return discover()


def make_sampler(text):
    return catalog().make("samplers", text)


def make_ops(text):
    return build(Input(augment=text)).ops


def build(input, size=None):
    """The pipeline of an input, with frames of another size if one is given."""
    return pipeline.build_pipeline(replace(input, size=size) if size else input, catalog())


def make_loader(videos, input, size=None, **options):
    return VideoLoader(videos, build(input, size), **options)
