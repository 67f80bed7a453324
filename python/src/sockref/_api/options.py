"""How a socket is acquired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .._files.leftovers import ReclaimRule
from .._ownership.settings import OwnerSettings
from .._serving.placeholders import misspelt_placeholder
from .._serving.server_spec import Serve, ServerCommand, ServerSpec
from ..errors import SocketReferenceError
from . import check
from .limits import Limits


@dataclass(frozen=True, slots=True)
class AcquireOptions:
    """Checked acquire options, with a value for each."""

    server_spec: ServerSpec | None
    timeout: float
    mode: int
    linger: float
    drain_timeout: float
    failover_timeout: float
    reclaim: ReclaimRule
    label: str | None

    def __post_init__(self) -> None:
        if isinstance(self.server_spec, ServerCommand):
            # The command line has no option for these.
            check.check_option("mode", self.mode, check.is_default_mode)
            check.check_option("reclaim", self.reclaim, check.is_recorded)
        else:
            check.check_option("serve", self.server_spec, check.is_serve)
        check.check_option("timeout", self.timeout, check.is_timeout)
        check.check_option("mode", self.mode, check.is_mode)
        check.check_option("linger", self.linger, check.is_duration)
        check.check_option("drain_timeout", self.drain_timeout, check.is_duration)
        check.check_option("failover_timeout", self.failover_timeout, check.is_timeout)
        check.check_option("reclaim", self.reclaim, check.is_reclaim)
        check.check_option("label", self.label, check.is_label)

    def settings(self, limits: Limits, heal_interval: float) -> OwnerSettings:
        """The settings that an owner or member needs."""
        return OwnerSettings(
            mode=self.mode,
            linger=float(self.linger),
            drain_timeout=float(self.drain_timeout),
            failover_timeout=float(self.failover_timeout),
            heal_interval=heal_interval,
            reclaim=self.reclaim,
            label=self.label,
            max_references=limits.max_references_per_socket,
            max_members=limits.max_members_per_socket,
            max_connections=limits.max_connections_per_socket,
            handler_threads=limits.handler_threads,
        )


@dataclass(frozen=True, slots=True)
class ManagerOptions:
    """Checked manager options."""

    limits: Limits
    allowed_directories: tuple[str, ...] | None
    trace_leaks: bool
    heal_interval: float

    def __post_init__(self) -> None:
        check.check_option("limits", self.limits, _is_limits)
        check.check_option("allowed_directories", self.allowed_directories, check.is_path_list)
        check.check_option("trace_leaks", self.trace_leaks, check.is_flag)
        check.check_option("heal_interval", self.heal_interval, check.is_timeout)


def _is_limits(value: object) -> str | None:
    return None if isinstance(value, Limits) else "a sockref.Limits"


def _check_placeholders(command: Sequence[str]) -> None:
    misspelt = misspelt_placeholder(command)
    if misspelt is None:
        return
    given, meant = misspelt
    expected, received = f"a command with {meant}", f"one with {given}, which stands for nothing"
    raise SocketReferenceError(
        "ERR_SOCKREF_INVALID_OPTION",
        f'The option "server.command" must be {expected}, and is {received}',
        option="server.command",
        expected=expected,
        received=received,
    )


def provider_of(serve: Serve | None, server: Sequence[str] | ServerCommand | None) -> ServerSpec | None:
    """What the options say to serve with; None if the acquire can only join."""
    if server is None:
        return serve
    if serve is not None:
        expected = "left out when `serve` is given"
        check.check_option("server", server, lambda _: expected)
    command = server if isinstance(server, ServerCommand) else ServerCommand(server)
    check.check_option("server", command.command, check.is_command)
    _check_placeholders(command.command)
    for name, seconds in (("ready_timeout", command.ready_timeout), ("stop_timeout", command.stop_timeout)):
        if seconds is not None:
            check.check_option(f"server.{name}", seconds, check.is_timeout)
    return command
