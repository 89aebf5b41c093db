"""Names that follow from other names, so that a replay and a retry arrive at the same one."""

from __future__ import annotations

from typing import NamedTuple

from . import _core
from .names import AttemptId, MaterializationId, RunId, TaskId, TaskKey


class Dispatch(NamedTuple):
    """What a dispatch id says."""

    run_id: RunId
    task_key: TaskKey
    attempt: int


def partition_id(asset_id: str, partition_key: str | None = None) -> str:
    """The id of a partition; the key of an unpartitioned asset is absent."""
    return _core.partition_id(asset_id, partition_key)


def task_id(run_id: str, task_key: str) -> TaskId:
    """The id of a task."""
    return TaskId(_core.task_id(run_id, task_key))


def attempt_id(run_id: str, task_key: str, attempt: int) -> AttemptId:
    """The id of an attempt, counted from 1."""
    return AttemptId(_core.attempt_id(run_id, task_key, attempt))


def materialization_id(run_id: str, task_key: str, attempt: int) -> MaterializationId:
    """The id of what an attempt wrote."""
    return MaterializationId(_core.materialization_id(run_id, task_key, attempt))


def dispatch_id(run_id: str, task_key: str, attempt: int) -> str:
    """`dispatch:{run_id}:{task_key}:{attempt}`."""
    return _core.dispatch_id(run_id, task_key, attempt)


def parse_dispatch_id(text: str) -> Dispatch:
    """Reads a dispatch id back."""
    run_id, task_key, attempt = _core.parse_dispatch_id(text)
    return Dispatch(RunId(run_id), TaskKey(task_key), attempt)


def queue_name(kind: str, internal_id: str) -> str:
    """A name for queues that allow only `[A-Za-z0-9_-]`."""
    return _core.queue_name(kind, internal_id)
