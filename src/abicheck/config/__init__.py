"""What a project asks of abicheck: `[tool.abicheck]`, `abicheck.toml`, the baseline."""

from abicheck.config._baseline import Baseline, read_baseline
from abicheck.config._read import FUNCTION_KEYS, Config, Function, Ignore, Kind, load_config
from abicheck.config._selection import Selection
from abicheck.config._suppress import Suppressions

__all__ = [
    "FUNCTION_KEYS",
    "Baseline",
    "Config",
    "Function",
    "Ignore",
    "Kind",
    "Selection",
    "Suppressions",
    "load_config",
    "read_baseline",
]
