"""`abicheck config`: what holds here, and where each value comes from."""

from __future__ import annotations

import json

import click
from click.core import ParameterSource

from abicheck.cli._options import SETTINGS, config_of
from abicheck.cli._shared import print_report
from abicheck.config import FUNCTION_KEYS, Config
from abicheck.reporters import printable


@click.group("config", context_settings=SETTINGS, no_args_is_help=False)
def command() -> None:
    """Show the configuration."""


@command.command("show", context_settings=SETTINGS)
@click.option("--config", metavar="FILE", help="The configuration.")
@click.option("--isolated", is_flag=True, help="Read no configuration.")
def show(config: str | None, isolated: bool) -> int:  # noqa: FBT001
    """Print every option of `check`, its value, and where that comes from."""
    from abicheck.cli.check import command as check  # noqa: PLC0415 - it is the subject, not a part

    arguments = [*(["--config", config] if config else []), *(["--isolated"] if isolated else [])]
    ctx = check.make_context("abicheck", arguments)
    found = config_of(ctx)
    rows = [
        (name, _toml(ctx.params[str(param.name)]), _origin(ctx, param, found))
        for param in check.params
        if isinstance(param, click.Option) and param.expose_value
        for name in [max(param.opts, key=len).removeprefix("--")]
    ]
    names = max(len(name) for name, _, _ in rows)
    values = max(len(value) for _, value, _ in rows)
    lines = [f"{name:<{names}} = {value:<{values}}  # {origin}" for name, value, origin in rows]
    print_report("\n".join([*lines, *_tables(found)]) + "\n")
    return 0


def _origin(ctx: click.Context, param: click.Option, config: Config) -> str:
    source = ctx.get_parameter_source(str(param.name))
    if source is ParameterSource.ENVIRONMENT:
        return f"environment: {param.envvar or f'ABICHECK_{str(param.name).upper()}'}"
    return printable(str(config.path)) if source is ParameterSource.DEFAULT_MAP else "default"


def _tables(config: Config) -> list[str]:
    """Return the functions and the suppressions, which only a file can hold."""
    lines = []
    for function in config.functions:
        lines += ["", f"[functions.{_toml(function.name)}]  # {printable(str(config.path))}"]
        lines.append(f"artifact = {_toml(function.artifact)}")
        lines += [_function_line(key, value) for key, value in function.options.items()]
    for ignore in config.ignores:
        lines += ["", f"[[ignore]]  # {printable(ignore.origin)}"]
        fields = ("rule", "path", "distribution", "subject", "function", "reason", "expires")
        values = {field: getattr(ignore, field) for field in fields}
        lines += [f"{key} = {_toml(value)}" for key, value in values.items() if value is not None]
    return lines


def _function_line(key: str, value: object) -> str:
    """Return an option of a function under the key that it has there."""
    if key == "env" and isinstance(value, list):
        pairs = (text.partition("=") for text in value)
        value = ", ".join(f"{_toml(name)} = {_toml(text)}" for name, _, text in pairs)
        return f"environment = {{ {value} }}"
    return f"{FUNCTION_KEYS.get(key, key)} = {_toml(value)}"


def _toml(value: object) -> str:
    """Return a value as TOML writes it; nothing at all is a dash."""
    if value is None:
        return "-"
    if isinstance(value, tuple | list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return printable(json.dumps(value, ensure_ascii=False))
    return str(value)
