"""Names are strings that have been checked: calling the class is parsing, and friendly input has `normalize`."""

from __future__ import annotations

import json
import os
import threading
import time
from typing import Any, Literal, TypeVar, Union

from . import _core

Self = TypeVar("Self", bound="Ulid")


class Ulid(str):
    """48 bits of milliseconds and 80 random bits, in 26 characters."""

    __slots__ = ()

    def __new__(cls: type[Self], text: str) -> Self:
        return str.__new__(cls, _core.ulid_parse(text))

    @classmethod
    def normalize(cls: type[Self], text: str) -> Self:
        """Takes lower case and Crockford's aliases."""
        return cls(_core.ulid_normalize(text))

    @classmethod
    def generate(
        cls: type[Self], ms: int | None = None, random: bytes | None = None, previous: str | None = None
    ) -> Self:
        """A new id, greater than the last one that this class made; time and randomness are the host's unless given."""
        ms = time.time_ns() // 1_000_000 if ms is None else ms
        random = os.urandom(10) if random is None else random
        with _lock:
            after = _last.get(cls) if previous is None else previous
            made = cls(_core.ulid_generate(ms, random, after))
            _last[cls] = made
        return made

    @property
    def timestamp_ms(self) -> int:
        """The time in the id, in milliseconds since 1970."""
        ms = 0
        for character in self[:10]:
            ms = ms * 32 + "0123456789ABCDEFGHJKMNPQRSTVWXYZ".index(character)
        return ms


_lock = threading.Lock()
_last: dict[type[Ulid], str] = {}


class RunId(Ulid):
    """Names a run."""

    __slots__ = ()

    @property
    def home(self) -> int:
        """One of 256."""
        return _core.home_of_run(self)


class EventId(Ulid):
    """Names a record of the ledger by what it says."""

    __slots__ = ()


class MaterializationId(Ulid):
    """Names what one attempt wrote."""

    __slots__ = ()


class ManifestId(Ulid):
    """Names a deployed manifest."""

    __slots__ = ()


class BackfillId(Ulid):
    """Names a backfill."""

    __slots__ = ()


class ScheduleId(Ulid):
    """Names a schedule."""

    __slots__ = ()


class SensorId(Ulid):
    """Names a sensor."""

    __slots__ = ()


class TaskId(Ulid):
    """Names a task of a run."""

    __slots__ = ()


class AttemptId(Ulid):
    """Names an attempt of a task."""

    __slots__ = ()


class AssetId(str):
    """Names an asset, for ever: a UUID of version 7."""

    __slots__ = ()

    def __new__(cls, text: str) -> AssetId:
        return str.__new__(cls, _core.asset_id_parse(text))

    @classmethod
    def normalize(cls, text: str) -> AssetId:
        """Takes upper case, braces, `urn:uuid:` and 32 digits."""
        return cls(_core.asset_id_normalize(text))

    @classmethod
    def generate(cls, ms: int | None = None, random: bytes | None = None) -> AssetId:
        """A new id; time and randomness are the host's unless given."""
        ms = time.time_ns() // 1_000_000 if ms is None else ms
        return cls(_core.uuid7_generate(ms, os.urandom(10) if random is None else random))

    @property
    def timestamp_ms(self) -> int:
        """The time in the id, in milliseconds since 1970."""
        return int(self[:8] + self[9:13], 16)


class AssetKey(str):
    """Names an asset for people: `namespace/name`."""

    __slots__ = ()

    def __new__(cls, text: str) -> AssetKey:
        return str.__new__(cls, _core.asset_key_parse(text))

    @classmethod
    def normalize(cls, text: str) -> AssetKey:
        """Takes `namespace.name` as well."""
        return cls(_core.asset_key_normalize(text))

    @property
    def namespace(self) -> str:
        """What stands before the slash."""
        return self.split("/")[0]

    @property
    def name(self) -> str:
        """What stands after the slash."""
        return self.split("/")[1]


class PartitionKey(str):
    """Names one partition of an asset, in canonical form. Compared by its bytes; see `compare`."""

    __slots__ = ()

    def __new__(cls, text: str) -> PartitionKey:
        return str.__new__(cls, _core.partition_key_parse(text))

    @classmethod
    def normalize(cls, text: str) -> PartitionKey:
        """Sorts dimensions, and takes timestamps with 0 to 6 fraction digits and any UTC offset."""
        return cls(_core.partition_key_normalize(text))

    @classmethod
    def of(cls, dimensions: dict[str, dict[str, Any]]) -> PartitionKey:
        """The key of typed values, `{"date": {"type": "date", "value": "2025-01-15"}}`."""
        return cls(_core.partition_key_from(dimensions))

    @classmethod
    def from_json(cls, text: Union[str, bytes, bytearray, memoryview]) -> PartitionKey:
        """The key of the JSON form."""
        return cls(_core.partition_key_format(text))

    def dimensions(self) -> dict[str, dict[str, Any]]:
        """The typed values by name; an `int64` is a decimal string."""
        return json.loads(_core.partition_key_form(self))

    @staticmethod
    def compare(left: str, right: str) -> int:
        """-1, 0 or 1, in the order of the typed values, never of the bytes."""
        return _core.partition_key_compare(left, right)


Operation = Literal["materialize", "check", "backfill"]


class TaskKey(str):
    """Names a task of a run: asset key, partition key in brackets, operation."""

    __slots__ = ()

    def __new__(cls, text: str) -> TaskKey:
        return str.__new__(cls, _core.task_key_parse(text))

    @classmethod
    def of(cls, asset: str, partition: str | None, operation: Operation) -> TaskKey:
        """The key of its parts, each checked."""
        key = "" if partition is None else f"[{PartitionKey(partition)}]"
        return cls(f"{AssetKey(asset)}{key}:{operation}")

    @property
    def asset(self) -> AssetKey:
        """The asset key."""
        return AssetKey(self.split("[")[0].split(":")[0])

    @property
    def partition(self) -> PartitionKey | None:
        """The partition key, when there is one."""
        if "[" not in self:
            return None
        return PartitionKey(self.split("[")[1].split("]")[0])

    @property
    def operation(self) -> str:
        """What the task does."""
        return self.rsplit(":", 1)[1]


class TenantId(str):
    """Names a tenant."""

    __slots__ = ()

    def __new__(cls, text: str) -> TenantId:
        return str.__new__(cls, _core.tenant_id_parse(text))


class WorkspaceId(str):
    """Names a workspace of a tenant."""

    __slots__ = ()

    def __new__(cls, text: str) -> WorkspaceId:
        return str.__new__(cls, _core.workspace_id_parse(text))


class RunKey(str):
    """Names the one run that a caller means; takes text or its UTF-8."""

    __slots__ = ()

    def __new__(cls, text: Union[str, bytes]) -> RunKey:
        return str.__new__(cls, _core.run_key_parse(text))

    @property
    def home(self) -> int:
        """One of 256."""
        return _core.home_of_run_key(self)
