"""An image's configuration (image-spec, config.md; Docker's differs in nothing read here)."""

from __future__ import annotations

from types import MappingProxyType

from abicheck.artifacts._image._json import Document
from abicheck.model import HistoryStep, ImageConfig, Platform


def read_config(document: Document, id_: str) -> ImageConfig:
    """Return the configuration; raises `UnreadableMemberError` where it is malformed."""
    run = document.inner("config")
    # A variable that is set twice has its last value, as in a process.
    env = dict(pair.partition("=")[::2] for pair in run.texts("Env"))
    return ImageConfig(
        platform=Platform(
            document.text("os"), document.text("architecture"), document.text("variant")
        ),
        id=id_,
        created=document.text("created"),
        env=MappingProxyType(env),
        entrypoint=run.texts("Entrypoint"),
        cmd=run.texts("Cmd"),
        user=run.text("User"),
        working_dir=run.text("WorkingDir"),
        labels=MappingProxyType(run.mapping("Labels")),
        diff_ids=document.inner("rootfs").texts("diff_ids"),
        history=tuple(
            HistoryStep(
                created_by=step.text("created_by"),
                created=step.text("created"),
                comment=step.text("comment"),
                empty_layer=step.data.get("empty_layer") is True,
            )
            for step in document.objects("history")
        ),
    )
