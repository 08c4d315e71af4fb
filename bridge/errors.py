"""Every error the bridge and the renderer raise, as one tree.

    WorldplateError
    ├── ProtocolError          a message that cannot be taken as it is
    │   ├── MalformedMessage     not msgpack, not our schema, truncated
    │   ├── UnknownType          a message type this version does not know
    │   ├── LimitExceeded        over a limit that is a setting
    │   ├── InvalidValue         well-formed, but NaN, singular, out of range
    │   └── OutOfOrder           a frame id that went backwards, a message before HELLO
    ├── Refused                a session that may not start
    │   ├── VersionMismatch
    │   ├── BadToken
    │   ├── MissingPlane         the model needs a plane the engine cannot give
    │   ├── NotSupported         a mode, transport or operation this renderer does not have
    │   ├── UnknownSession       an operator names a session that is not there
    │   └── SeveralSessions      it names none, and there are several
    ├── TransportError         the way the pixels or messages travel
    │   ├── NotLoopback          an address that this version refuses to bind
    │   ├── EndpointInUse        another renderer already serves there
    │   ├── NoRenderer           no renderer to connect to
    │   ├── RingCorrupt          a shared ring whose header cannot be trusted
    │   └── RingFull             no free slot: the engine is ahead of the renderer
    ├── DeviceError            planes that stay on a GPU
    │   ├── CudaNotUsable        no driver, no device, a package that is absent or too old
    │   ├── DeviceMismatch       the engine's planes are on another GPU than the renderer's
    │   ├── HandleRefused        what was handed over is not what was announced, or not from who it should be
    │   ├── DeviceTimeout        a semaphore's value that never came
    │   └── DeviceFailed         the driver refused a call
    ├── ModelError             a model that cannot be loaded or run
    │   ├── ModelNotFound
    │   ├── ModelIncomplete      a file is missing, truncated or of another hash
    │   ├── ManifestInvalid      a model.toml that cannot be taken as it is
    │   ├── ModelUnsafe          a file that could run code, or leads out of the model's folder
    │   ├── ModelMismatch        the files are of another kind of model than the manifest says
    │   ├── ModelTooLarge        it needs more memory than there is
    │   ├── ModelNotFetched      it cannot be brought here
    │   └── ModelFailed          the model broke while making a plate
    ├── WorldError             a world that cannot be saved, restored or forked
    │   ├── UnknownStream        a stream that has shown nothing yet
    │   ├── SnapshotNotFound
    │   ├── SnapshotCorrupt      truncated, altered, or no snapshot at all
    │   ├── SnapshotMismatch     of another version, model, weights or size of picture
    │   ├── SnapshotNotWritten   the disk is full, or the folder may not be written
    │   └── WorldMemoryLost      the process that remembers the world does not answer
    ├── TakeError              a recording that cannot be written, read or used
    │   ├── TakeNotFound
    │   ├── TakeExists           a name that is taken: nothing is ever recorded over
    │   ├── TakeNotWritten       the disk is full, or the folder may not be written
    │   ├── TakeCorrupt          altered, or no take at all
    │   ├── TakeVersion          of another version of the format
    │   ├── TakeEmpty            without one frame
    │   └── TakeMixed            of several sizes or streams, where one is needed
    ├── ExportError            pictures of a take that cannot be written
    │   ├── ExportNotWritten     the disk is full, or the place may not be written
    │   └── ExportMixed          the place holds other pictures, or they were altered
    ├── MissingDependency      an optional package is absent; says the line that installs it
    └── ConfigError            a setting that is unknown or out of range

Each carries `code` (stable, on the wire), the message (the value, the limit) and `fix` (the setting to change or
the thing to do), and never a secret.
"""

from __future__ import annotations

import math


class WorldplateError(Exception):
    """The root. `str(error)` is one line: what is wrong, then what to do."""

    code = "error"

    def __init__(self, what: str, *, fix: str) -> None:
        super().__init__(f"{what} {fix}" if what.endswith(".") else f"{what}. {fix}")
        self.what = what
        self.fix = fix


class ProtocolError(WorldplateError):
    code = "protocol"


class MalformedMessage(ProtocolError):
    code = "malformed_message"


class UnknownType(ProtocolError):
    code = "unknown_type"


class LimitExceeded(ProtocolError):
    """`value` went over `limit`; `setting` is the name of the setting that moves the limit."""

    code = "limit_exceeded"

    def __init__(self, name: str, value: float, limit: float, setting: str) -> None:
        super().__init__(
            f"{name} is {value:g}, over the limit of {limit:g}",
            fix=f"Send less, or raise `{setting}` in the renderer's settings.",
        )
        self.value, self.limit, self.setting = value, limit, setting


class InvalidValue(ProtocolError):
    code = "invalid_value"


class OutOfOrder(ProtocolError):
    code = "out_of_order"


class Refused(WorldplateError):
    code = "refused"


class VersionMismatch(Refused):
    code = "version_mismatch"


class BadToken(Refused):
    code = "bad_token"


class MissingPlane(Refused):
    code = "missing_plane"


class NotSupported(Refused):
    code = "not_supported"


class UnknownSession(Refused):
    code = "unknown_session"


class SeveralSessions(Refused):
    code = "several_sessions"


class TransportError(WorldplateError):
    code = "transport"


class NotLoopback(TransportError):
    code = "not_loopback"


class EndpointInUse(TransportError):
    code = "endpoint_in_use"


class NoRenderer(TransportError):
    code = "no_renderer"


class RingCorrupt(TransportError):
    code = "ring_corrupt"


class RingFull(TransportError):
    code = "ring_full"


class DeviceError(WorldplateError):
    code = "device"


class CudaNotUsable(DeviceError):
    code = "cuda_not_usable"


class DeviceMismatch(DeviceError):
    code = "device_mismatch"


class HandleRefused(DeviceError):
    code = "handle_refused"


class DeviceTimeout(DeviceError):
    code = "device_timeout"


class DeviceFailed(DeviceError):
    code = "device_failed"


class ModelError(WorldplateError):
    code = "model"


class ModelNotFound(ModelError):
    code = "model_not_found"


class ModelIncomplete(ModelError):
    code = "model_incomplete"


class ManifestInvalid(ModelError):
    code = "manifest_invalid"


class ModelUnsafe(ModelError):
    code = "model_unsafe"


class ModelMismatch(ModelError):
    code = "model_mismatch"


class ModelTooLarge(ModelError):
    code = "model_too_large"


class ModelNotFetched(ModelError):
    code = "model_not_fetched"


class ModelFailed(ModelError):
    code = "model_failed"


class WorldError(WorldplateError):
    code = "world"


class UnknownStream(WorldError):
    code = "unknown_stream"


class SnapshotNotFound(WorldError):
    code = "snapshot_not_found"


class SnapshotCorrupt(WorldError):
    code = "snapshot_corrupt"


class SnapshotMismatch(WorldError):
    code = "snapshot_mismatch"


class SnapshotNotWritten(WorldError):
    code = "snapshot_not_written"


class WorldMemoryLost(WorldError):
    code = "world_memory_lost"


class TakeError(WorldplateError):
    code = "take"


class TakeNotFound(TakeError):
    code = "take_not_found"


class TakeExists(TakeError):
    code = "take_exists"


class TakeNotWritten(TakeError):
    code = "take_not_written"


class TakeCorrupt(TakeError):
    code = "take_corrupt"


class TakeVersion(TakeError):
    code = "take_version"


class TakeEmpty(TakeError):
    code = "take_empty"


class TakeMixed(TakeError):
    code = "take_mixed"


class ExportError(WorldplateError):
    code = "export"


class ExportNotWritten(ExportError):
    code = "export_not_written"


class ExportMixed(ExportError):
    code = "export_mixed"


class MissingDependency(WorldplateError):
    code = "missing_dependency"


class ConfigError(WorldplateError):
    code = "config"


def typed_error(code: str, text: str, fix: str) -> WorldplateError:
    """The error that a code from the wire stands for; `Refused` for one that this version does not know."""
    kind = next((kind for kind in _kinds(WorldplateError) if kind.code == code), Refused)
    error = kind.__new__(kind)
    WorldplateError.__init__(error, text, fix=fix)
    if isinstance(error, LimitExceeded):
        error.value, error.limit, error.setting = math.nan, math.nan, ""  # the text says them
    return error


def _kinds(root: type[WorldplateError]) -> list[type[WorldplateError]]:
    return [root, *(kind for child in root.__subclasses__() for kind in _kinds(child))]
