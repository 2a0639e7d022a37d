"""The harnesses themselves: they run on their seeds, and on a little of what they make of them."""

from __future__ import annotations

from random import Random

import pytest
from tests.fuzz.targets import TARGETS

NAMES = pytest.mark.parametrize("name", TARGETS)


@NAMES
def test_every_seed_ends_well(name: str) -> None:
    """There are some, and the fixtures are no crash."""
    seeds = list(TARGETS[name].seeds())

    assert seeds
    for seed in seeds[::10]:
        TARGETS[name].run(seed)


@NAMES
def test_a_few_mutations_of_the_seeds_end_well(name: str) -> None:
    """The same every time: looking for more is libFuzzer's work (`tests.fuzz.run`)."""
    chance = Random(name)  # noqa: S311 - chance, not secrecy
    target = TARGETS[name]
    for seed in list(target.seeds())[::10]:
        for _ in range(5):
            target.run(target.mutate(seed, chance))


@NAMES
def test_a_mutation_is_another_input(name: str) -> None:
    """And never an error of the mutator, whatever it is given."""
    target = TARGETS[name]
    for number in range(200):
        chance = Random(number)  # noqa: S311 - chance, not secrecy
        target.mutate(chance.randbytes(number), chance)
    seed = next(target.seeds())

    assert any(target.mutate(seed, Random(number)) != seed for number in range(20))  # noqa: S311
