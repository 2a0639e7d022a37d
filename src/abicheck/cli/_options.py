"""Options that several commands have, and where their values come from.

The command line wins over the environment (`ABICHECK_` and the option's name),
which wins over the configuration, which wins over the default.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

import click

from abicheck.cli._comma import FILES, WORDS, ListOption
from abicheck.cli._function import env_option, layer_option, size_option
from abicheck.cli._limits import limit_option
from abicheck.cli._smoke import smoke_options
from abicheck.cli._targets import target_options
from abicheck.config import Config, Kind, load_config
from abicheck.errors import UsageError

PREFIX: Final = "ABICHECK"
SETTINGS: Final[dict[str, Any]] = {
    "help_option_names": ["-h", "--help"],
    "auto_envvar_prefix": PREFIX,
}
_SOURCES: Final = (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.ENVIRONMENT)

F = TypeVar("F", bound=Callable[..., Any])


def config_options(command: F) -> F:
    """Add --config and --isolated; `config_of` returns what they lead to."""
    options = (
        click.option(
            "--isolated",
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_isolate,
            show_envvar=True,
            help="Read no configuration.",
        ),
        click.option(
            "--config",
            metavar="FILE",
            is_eager=True,
            expose_value=False,
            callback=_configure,
            show_envvar=True,
            help="The configuration.  [default: the nearest abicheck.toml, or pyproject.toml "
            "with a [tool.abicheck]]",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def examination_options(command: F) -> F:
    """Add what decides which artifacts are examined, and what is found."""
    options = (
        click.argument("artifacts", nargs=-1, metavar="ARTIFACT...", type=click.Path()),
        target_options,
        click.option(
            "--handler", show_envvar=True, help="Lambda's handler setting, such as app.handler."
        ),
        layer_option,
        env_option,
        size_option,
        click.option(
            "--reference",
            show_envvar=True,
            help="Which image of an archive: its name, digest or id.",
        ),
        click.option(
            "--dockerfile",
            metavar="FILE",
            show_envvar=True,
            help="What the image was built from: are its bases pinned?",
        ),
        click.option(
            "--requirements",
            cls=ListOption,
            multiple=True,
            type=FILES,
            metavar="FILE",
            show_envvar=True,
            help="A requirements file or pylock.toml: is what it pins in the artifact, and "
            "nothing else?",
        ),
        click.option(
            "--wheels",
            metavar="DIR",
            show_envvar=True,
            help="The wheels that were installed: compare each file with the one whose hash "
            "is pinned.",
        ),
        click.option(
            "--wheel-author",
            is_flag=True,
            show_envvar=True,
            help="Warn of what breaks on other Pythons than the target's: you will publish it.",
        ),
        smoke_options,
        limit_option,
        _list_option(
            "--select",
            "The rules that are asked: codes, their beginnings, names.",
        ),
        _list_option("--extend-select", "More of them."),
        _list_option("--ignore", "Rules that are not asked; the longest of all decides."),
        config_options,
    )
    for option in reversed(options):
        command = option(command)
    return command


def _list_option(name: str, text: str) -> Callable[[F], F]:
    return click.option(
        name,
        cls=ListOption,
        multiple=True,
        type=WORDS,
        metavar="RULE,...",
        show_envvar=True,
        help=text,
    )


def _isolate(ctx: click.Context, param: click.Parameter, value: bool) -> None:  # noqa: FBT001
    del param
    if value and ctx.obj is not None and ctx.obj.path is not None:
        reason = "--isolated and --config do not go together"
        raise UsageError(reason)
    if value:
        ctx.obj = Config()


def _configure(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    del param
    if ctx.resilient_parsing:
        return
    if ctx.obj is not None:
        if value is not None:
            reason = "--isolated and --config do not go together"
            raise UsageError(reason)
        return
    named = Path(value) if value is not None else None
    config = load_config(named, Path.cwd(), configurable())
    names = {name: param.name for name, param in long_options(ctx.command).items()}
    ctx.obj = config
    ctx.default_map = {names[key]: value for key, value in config.options.items() if key in names}


def config_of(ctx: click.Context) -> Config:
    """Return the configuration that the options of a command led to."""
    return ctx.obj if isinstance(ctx.obj, Config) else Config()


def configurable() -> Mapping[str, Kind]:
    """Return every key of the configuration: the options of `check`, by their long names."""
    from abicheck.cli.check import command  # noqa: PLC0415 - it needs this module itself

    return {name: _kind(option) for name, option in long_options(command).items()}


def _kind(option: click.Option) -> Kind:
    if option.is_flag:
        return Kind.FLAG
    return Kind.LIST if option.multiple else Kind.TEXT


def long_options(command: click.Command) -> Mapping[str, click.Option]:
    """Return the options of a command by their long names."""
    return {
        opt.removeprefix("--"): param
        for param in command.params
        if isinstance(param, click.Option)
        for opt in param.opts
        if opt.startswith("--") and opt not in ("--config", "--isolated", "--version")
    }


def source_of(ctx: click.Context, options: Mapping[str, Any], name: str) -> str:
    """Return where the value of an option comes from; nothing for the default."""
    rank = precedence(ctx, options, name)
    option = long_options(ctx.command)[name]
    return (
        "",
        str(config_of(ctx).path),
        f"the function in {config_of(ctx).path}",
        option.envvar if isinstance(option.envvar, str) else variable(name),
        "the command line",
    )[rank]


def variable(name: str) -> str:
    """Return the environment variable of an option."""
    return f"{PREFIX}_{name.replace('-', '_').upper()}"


def precedence(ctx: click.Context, options: Mapping[str, Any], name: str) -> int:
    """Return how strongly an option was set: 0 not at all, 4 on the command line.

    `options` are a function's own, which stand between the environment and
    what the configuration says for all.
    """
    option = long_options(ctx.command)[name]
    source = ctx.get_parameter_source(str(option.name))
    ranks = {
        click.core.ParameterSource.COMMANDLINE: 4,
        click.core.ParameterSource.ENVIRONMENT: 3,
        click.core.ParameterSource.DEFAULT_MAP: 1,
    }
    rank = ranks.get(source, 0) if source is not None else 0
    return max(rank, 2) if name in options else rank


def overridden(ctx: click.Context, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a command with a function's own, which win over what is for all.

    What was said on the command line or in the environment wins over both.
    """
    values = dict(ctx.params)
    for name, option in long_options(ctx.command).items():
        if name in options and ctx.get_parameter_source(str(option.name)) not in _SOURCES:
            values[str(option.name)] = option.type_cast_value(ctx, options[name])
    return values
