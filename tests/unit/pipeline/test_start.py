"""How Lambda starts an image: from which folder, and with which handler."""

from __future__ import annotations

import pytest

from abicheck.model import ImageConfig
from abicheck.pipeline._start import handler_of, interpreter_of, task_root

CLIENT = ("/usr/bin/python3", "-m", "awslambdaric")


@pytest.mark.parametrize(
    ("entrypoint", "cmd", "expected"),
    [
        (("/lambda-entrypoint.sh",), ("app.handler",), "app.handler"),
        (("/lambda-entrypoint.sh",), ("app",), "app"),
        (("/lambda-entrypoint.sh",), (), None),
        (("/lambda-entrypoint.sh",), ("python", "app.py"), None),
        (CLIENT, ("app.handler",), "app.handler"),
        ((*CLIENT, "app.handler"), (), "app.handler"),
        ((), (*CLIENT, "pkg/app.handler", "more"), "pkg/app.handler"),
        (("/usr/bin/aws-lambda-rie", *CLIENT), ("app.handler",), "app.handler"),
        (CLIENT, (), None),
        (("/entry_script.sh",), ("app.handler",), "app.handler"),
        (("/entry_script.sh",), ("--port=80",), None),
        (("gunicorn",), ("app.server",), None),
        (("/bin/sh", "-c", "python app.py"), (), None),
        (("/bin/sh", "-c", "exec python -m awslambdaric app.handler"), ("unseen",), "app.handler"),
        ((), ("/bin/sh", "-c", "python -m awslambdaric 'app.handler'"), "app.handler"),
        (("/bin/sh", "-c", "cd /app && python -m awslambdaric app.handler"), (), None),
        (("/bin/sh", "-c", "python -m awslambdaric 'app.handler"), (), None),
        (("/bin/sh", "-c", "python -m awslambdaric $HANDLER"), (), None),
        ((), (), None),
    ],
)
def test_the_handler_is_what_the_command_gives_to_who_asks_for_it(
    entrypoint: tuple[str, ...], cmd: tuple[str, ...], expected: str | None
) -> None:
    """Lambda's script, awslambdaric, and a script that hands it on; no server is one."""
    assert handler_of(ImageConfig(entrypoint=entrypoint, cmd=cmd)) == expected


@pytest.mark.parametrize(
    ("variable", "folder", "entrypoint", "expected"),
    [
        ("/var/task", "/var/task", ("/lambda-entrypoint.sh",), "/var/task"),
        ("/var/task", "/app", ("/lambda-entrypoint.sh",), "/var/task"),
        ("/var/task", "/app", CLIENT, "/app"),
        ("/var/task", "/", CLIENT, "/"),
        ("", "/app/", ("/entry.sh",), "/app"),
        ("", "", CLIENT, "/"),
        ("", "app", CLIENT, "/app"),
        ("", "/app", ("/bin/sh", "-c", "python -m awslambdaric app.handler"), "/app"),
        ("task", "/", ("/entry.sh",), "/var/task"),
    ],
)
def test_the_folder_is_that_of_who_imports_the_handler(
    variable: str, folder: str, entrypoint: tuple[str, ...], expected: str
) -> None:
    """Lambda's bootstrap goes by the variable, awslambdaric by the working directory."""
    env = {"LAMBDA_TASK_ROOT": variable} if variable else {}
    config = ImageConfig(env=env, working_dir=folder, entrypoint=entrypoint)

    assert task_root(config) == expected


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (CLIENT, "/usr/bin/python3"),
        (("/opt/rie", "/venv/bin/python3.13", "-u", "-m", "awslambdaric"), "/venv/bin/python3.13"),
        (("/bin/sh", "-c", "/venv/bin/python3 -m awslambdaric app.handler"), "/venv/bin/python3"),
        (("python3", "app.py"), "python3"),
        (("gunicorn", "python3"), None),
        (("/lambda-entrypoint.sh",), None),
        ((), None),
    ],
)
def test_the_interpreter_is_the_one_that_is_started(
    command: tuple[str, ...], expected: str | None
) -> None:
    """By itself, by an emulator, by a shell; a server's name says nothing."""
    assert interpreter_of(ImageConfig(entrypoint=command)) == expected
