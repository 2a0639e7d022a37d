"""Which base images a Dockerfile names without a digest."""

from __future__ import annotations

import pytest

from abicheck.pipeline._dockerfile import floating_bases


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("FROM python:3.13", ("python:3.13",)),
        ("from python", ("python",)),
        ("FROM python:3.13@sha256:abc", ()),
        ("FROM --platform=linux/amd64 python:3.13 AS build", ("python:3.13",)),
        ("FROM scratch", ()),
        ("FROM a@sha256:1 AS build\nFROM build\nFROM BUILD", ()),
        ("FROM a:1 AS build\nFROM a:1", ("a:1",)),
        ("ARG TAG=3.13\nFROM python:${TAG}", ("python:3.13",)),
        ("ARG BASE\nFROM ${BASE:-python:3}", ("python:3",)),
        ('ARG BASE="python@sha256:1"\nFROM $BASE', ()),
        ("ARG BASE\nFROM $BASE", ("$BASE",)),
        ("# FROM python\nRUN echo FROM python", ()),
        ("FROM \\\n  python:3.13", ("python:3.13",)),
        ("", ()),
    ],
)
def test_bases_without_a_digest_are_named(text: str, expected: tuple[str, ...]) -> None:
    """Stages of the file itself are none, and arguments have their defaults."""
    assert floating_bases(text) == expected
