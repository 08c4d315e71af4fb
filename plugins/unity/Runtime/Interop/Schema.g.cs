// Written by `python -m bridge.codegen` from bridge/schema. Do not edit.
#nullable enable
namespace Worldplate.Interop
{
    /// <summary>One image buffer of a frame. The first eight travel from the engine, the last three from the renderer.</summary>
    public enum PlaneName
    {
        Color = 0,
        Depth = 1,
        Normal = 2,
        Motion = 3,
        Albedo = 4,
        Material = 5,
        Object = 6,
        Label = 7,
        Plate = 8,
        PlateDepth = 9,
        Confidence = 10,
    }

    /// <summary>On the wire, by the number of PlaneName.</summary>
    public static class PlaneNameTexts
    {
        public static readonly string[] All = { "color", "depth", "normal", "motion", "albedo", "material", "object", "label", "plate", "plate_depth", "confidence" };
    }

    /// <summary>Channels and type of one pixel, little-endian, interleaved: f is IEEE float, ui unsigned integer, bare unorm.</summary>
    public enum PixelFormat
    {
        Rgba16f = 0,
        Rgba32f = 1,
        Rg16f = 2,
        Rg32f = 3,
        R16f = 4,
        R32f = 5,
        R32ui = 6,
        R8ui = 7,
    }

    /// <summary>On the wire, by the number of PixelFormat.</summary>
    public static class PixelFormatTexts
    {
        public static readonly string[] All = { "rgba16f", "rgba32f", "rg16f", "rg32f", "r16f", "r32f", "r32ui", "r8ui" };
    }

    /// <summary>Class of a thing, the values of the label plane. An engine maps its own tags or layers to these.</summary>
    public enum Label
    {
        Unknown = 0,
        Sky = 1,
        Ground = 2,
        Wall = 3,
        Stone = 4,
        Roof = 5,
        Wood = 6,
        Metal = 7,
        Fabric = 8,
        Foliage = 9,
        Plastic = 10,
        Water = 11,
        Glass = 12,
        Character = 13,
        Vehicle = 14,
        Light = 15,
    }

    /// <summary>How pixels travel, best first.</summary>
    public enum Transport
    {
        Cuda = 0,
        Shm = 1,
        Inline = 2,
    }

    /// <summary>On the wire, by the number of Transport.</summary>
    public static class TransportTexts
    {
        public static readonly string[] All = { "cuda", "shm", "inline" };
    }

    /// <summary>When the engine shows what. `delayed` shows the frame submitted `delay_frames` ticks ago.</summary>
    public enum SyncMode
    {
        Lockstep = 0,
        Delayed = 1,
        Genlocked = 2,
        Freerun = 3,
        Offline = 4,
    }

    /// <summary>On the wire, by the number of SyncMode.</summary>
    public static class SyncModeTexts
    {
        public static readonly string[] All = { "lockstep", "delayed", "genlocked", "freerun", "offline" };
    }

    /// <summary>What is shown in place of a plate that is not there in time.</summary>
    public enum LatePolicy
    {
        Reproject = 0,
        Hold = 1,
        Passthrough = 2,
        Fade = 3,
    }

    /// <summary>On the wire, by the number of LatePolicy.</summary>
    public static class LatePolicyTexts
    {
        public static readonly string[] All = { "reproject", "hold", "passthrough", "fade" };
    }

    /// <summary>What became of a frame; every frame id gets exactly one.</summary>
    public enum Disposition
    {
        Generated = 0,
        Reprojected = 1,
        Passthrough = 2,
        Dropped = 3,
    }

    /// <summary>On the wire, by the number of Disposition.</summary>
    public static class DispositionTexts
    {
        public static readonly string[] All = { "generated", "reprojected", "passthrough", "dropped" };
    }

    /// <summary>A break in time: nothing from before it may be shown after it. After `cut` (another shot) and `teleport` (the camera is elsewhere) the world's places are still known; `new` forgets them too.</summary>
    public enum Reset
    {
        None = 0,
        Cut = 1,
        Teleport = 2,
        New = 3,
    }

    /// <summary>On the wire, by the number of Reset.</summary>
    public static class ResetTexts
    {
        public static readonly string[] All = { "none", "cut", "teleport", "new" };
    }

    /// <summary>WorldOp</summary>
    public enum WorldOp
    {
        Reset = 0,
        Snapshot = 1,
        Restore = 2,
        Fork = 3,
    }

    /// <summary>On the wire, by the number of WorldOp.</summary>
    public static class WorldOpTexts
    {
        public static readonly string[] All = { "reset", "snapshot", "restore", "fork" };
    }

    /// <summary>RendererState</summary>
    public enum RendererState
    {
        Loading = 0,
        Ready = 1,
        Running = 2,
        Degraded = 3,
    }

    /// <summary>On the wire, by the number of RendererState.</summary>
    public static class RendererStateTexts
    {
        public static readonly string[] All = { "loading", "ready", "running", "degraded" };
    }

    /// <summary>What the memory of a hand-over is, and with it what orders its use.</summary>
    public enum HandleKind
    {
        VulkanFd = 1,
        CudaFd = 2,
        CudaIpc = 3,
        D3d12Heap = 4,
        D3d12Resource = 5,
    }

    /// <summary>ControlType</summary>
    public enum ControlType
    {
        Number = 0,
        Integer = 1,
        Toggle = 2,
        Choice = 3,
        Text = 4,
    }

    /// <summary>On the wire, by the number of ControlType.</summary>
    public static class ControlTypeTexts
    {
        public static readonly string[] All = { "number", "integer", "toggle", "choice", "text" };
    }

    /// <summary>Versions and sizes.</summary>
    public static class Schema
    {
        public const int ProtocolVersion = 1;
        public const int RingAbiVersion = 1;
        public const int RingHeaderBytes = 4096;
        public const int RingSlotHeaderBytes = 64;
        public const int RingMaxPlanes = 16;
        public const int RingPlanesOffset = 256;
        public const int RingPlaneBytes = 32;
        public const int HandlesAbiVersion = 1;
        public const int HandlesBytes = 1024;
        public const ulong RingMagic = 0x31474e49524c5057UL; // the bytes WPLRING1
        public const ulong HandlesMagic = 0x0031444e484c5057UL; // the bytes WPLHND1 and 0
    }

    /// <summary>Byte offsets in the ring header of 4096 bytes.</summary>
    public static class RingHeader
    {
        /// <summary>u64; RING_MAGIC, written last when the header is complete</summary>
        public const int Magic = 0;
        /// <summary>u32; RING_ABI_VERSION</summary>
        public const int AbiVersion = 8;
        /// <summary>u32; RING_HEADER_BYTES</summary>
        public const int HeaderBytes = 12;
        /// <summary>u64; size of the whole segment</summary>
        public const int SegmentBytes = 16;
        /// <summary>u64; counts the session's rings, from 1</summary>
        public const int Generation = 24;
        /// <summary>u64; process that made the segment (the engine)</summary>
        public const int OwnerPid = 32;
        /// <summary>u64; its start time in clock ticks since boot (/proc/PID/stat field 22); 0 where unknown</summary>
        public const int OwnerStart = 40;
        /// <summary>u32; slots, 2..64</summary>
        public const int SlotCount = 48;
        /// <summary>u32; RING_SLOT_HEADER_BYTES</summary>
        public const int SlotHeaderBytes = 52;
        /// <summary>u64; payload bytes of a slot, a multiple of 64</summary>
        public const int SlotBytes = 56;
        /// <summary>u32; entries in the plane table, inputs first</summary>
        public const int PlaneCount = 64;
        /// <summary>u32; how many of them are inputs</summary>
        public const int InputCount = 68;
        /// <summary>u64; counted up by the renderer's render loop, at least every 100 ms while it is idle</summary>
        public const int Beat = 128;
        /// <summary>u64; monotonic time of the last beat, nanoseconds</summary>
        public const int BeatNs = 136;
        /// <summary>u64; process that mapped the segment (the renderer)</summary>
        public const int ReaderPid = 144;
    }

    /// <summary>Byte offsets in the ring plane of 32 bytes.</summary>
    public static class RingPlane
    {
        /// <summary>u32; index into PlaneName</summary>
        public const int Name = 0;
        /// <summary>u32; index into PixelFormat</summary>
        public const int Format = 4;
        /// <summary>u32; pixels</summary>
        public const int Width = 8;
        /// <summary>u32; pixels</summary>
        public const int Height = 12;
        /// <summary>u32; bytes from one row to the next</summary>
        public const int RowPitchBytes = 16;
        /// <summary>u32; 0</summary>
        public const int Reserved = 20;
        /// <summary>u64; from the start of the slot's payload</summary>
        public const int OffsetBytes = 24;
    }

    /// <summary>Byte offsets in the ring slot of 64 bytes.</summary>
    public static class RingSlot
    {
        /// <summary>u64; odd while the engine writes the inputs, even when they are whole</summary>
        public const int InputSequence = 0;
        /// <summary>u64; frame whose inputs are in the slot</summary>
        public const int InputFrameId = 8;
        /// <summary>u64; odd while the renderer writes the outputs, even when they are whole</summary>
        public const int PlateSequence = 16;
        /// <summary>u64; frame whose outputs are in the slot</summary>
        public const int PlateFrameId = 24;
    }

    /// <summary>Byte offsets in the handles of 1024 bytes.</summary>
    public static class Handles
    {
        /// <summary>u64; HANDLES_MAGIC</summary>
        public const int Magic = 0;
        /// <summary>u32; HANDLES_ABI_VERSION</summary>
        public const int AbiVersion = 8;
        /// <summary>u32; a value of HandleKind</summary>
        public const int Kind = 12;
        /// <summary>u64; first 16 hex digits of WELCOME's session</summary>
        public const int SessionHigh = 16;
        /// <summary>u64; the other 16</summary>
        public const int SessionLow = 24;
        /// <summary>u64; first 16 hex digits of HELLO's `device`: of a UUID, or a whole LUID</summary>
        public const int DeviceHigh = 32;
        /// <summary>u64; the other 16; 0 with a LUID</summary>
        public const int DeviceLow = 40;
        /// <summary>u64; counts the session's hand-overs, from 1</summary>
        public const int Generation = 48;
        /// <summary>u64; size of the whole allocation</summary>
        public const int MemoryBytes = 56;
        /// <summary>u64; from one slot to the next, a multiple of 64</summary>
        public const int SlotBytes = 64;
        /// <summary>u32; slots, 2..max_slots</summary>
        public const int SlotCount = 72;
        /// <summary>u32; 1: the allocation was made for this one buffer</summary>
        public const int Dedicated = 76;
        /// <summary>u32; 2: semaphores `ready` and `done` follow; 1: a page of signals; 0: FRAME and RESULT say it</summary>
        public const int Semaphores = 80;
        /// <summary>u32; entries in the plane table, inputs first</summary>
        public const int PlaneCount = 84;
        /// <summary>u32; how many of them are inputs</summary>
        public const int InputCount = 88;
        /// <summary>u64; of CUDA_IPC, bytes 0..7 of the handle; of D3D12, the NT handle of memory in the engine's process</summary>
        public const int Token0 = 96;
        /// <summary>u64; of CUDA_IPC, bytes 8..15 of the handle; of D3D12, the NT handle of `ready` in the engine's process</summary>
        public const int Token1 = 104;
        /// <summary>u64; of CUDA_IPC, bytes 16..23 of the handle; of D3D12, the NT handle of `done` in the engine's process</summary>
        public const int Token2 = 112;
        /// <summary>u64; of CUDA_IPC, bytes 24..31 of the handle</summary>
        public const int Token3 = 120;
        /// <summary>u64; of CUDA_IPC, bytes 32..39 of the handle</summary>
        public const int Token4 = 128;
        /// <summary>u64; of CUDA_IPC, bytes 40..47 of the handle</summary>
        public const int Token5 = 136;
        /// <summary>u64; of CUDA_IPC, bytes 48..55 of the handle</summary>
        public const int Token6 = 144;
        /// <summary>u64; of CUDA_IPC, bytes 56..63 of the handle</summary>
        public const int Token7 = 152;
    }

    /// <summary>WELCOME says those in force.</summary>
    public static class DefaultLimits
    {
        /// <summary>bytes in the header part of one message</summary>
        public const long MaxMessageBytes = 1048576L;
        /// <summary>parts in one message; the first is the header, the rest are planes</summary>
        public const long MaxParts = 16L;
        /// <summary>nesting of arrays and maps in a header</summary>
        public const long MaxDepth = 16L;
        /// <summary>maps and arrays in a header</summary>
        public const long MaxNodes = 1024L;
        /// <summary>rigid bodies, and contacts, in one frame</summary>
        public const long MaxObjects = 4096L;
        /// <summary>controls in one message</summary>
        public const long MaxControls = 64L;
        /// <summary>characters in a prompt</summary>
        public const long MaxText = 1024L;
        /// <summary>width or height of a plane in pixels</summary>
        public const long MaxSidePx = 8192L;
        /// <summary>bytes of all planes of one frame</summary>
        public const long MaxFrameBytes = 536870912L;
        /// <summary>bytes of shared memory a session may offer</summary>
        public const long MaxSharedBytes = 2147483648L;
        /// <summary>slots in one ring</summary>
        public const long MaxSlots = 8L;
        /// <summary>engines at one renderer</summary>
        public const long MaxSessions = 8L;
        /// <summary>people's tools at one renderer</summary>
        public const long MaxOperators = 8L;
        /// <summary>snapshots that are kept</summary>
        public const long MaxSnapshots = 64L;
        /// <summary>bytes of all snapshots that are kept</summary>
        public const long MaxSnapshotBytes = 17179869184L;
        /// <summary>streams in one session</summary>
        public const long MaxStreams = 8L;
        /// <summary>messages per second in one session</summary>
        public const long MaxRequestsPerS = 1000L;
    }

    /// <summary>Of REJECT, ERROR and PLANES_ACK.</summary>
    public static class ErrorCode
    {
        public const string Error = "error";
        public const string Protocol = "protocol";
        public const string Refused = "refused";
        public const string Transport = "transport";
        public const string Device = "device";
        public const string Model = "model";
        public const string World = "world";
        public const string Take = "take";
        public const string Export = "export";
        public const string MissingDependency = "missing_dependency";
        public const string Config = "config";
        public const string MalformedMessage = "malformed_message";
        public const string UnknownType = "unknown_type";
        public const string LimitExceeded = "limit_exceeded";
        public const string InvalidValue = "invalid_value";
        public const string OutOfOrder = "out_of_order";
        public const string VersionMismatch = "version_mismatch";
        public const string BadToken = "bad_token";
        public const string MissingPlane = "missing_plane";
        public const string NotSupported = "not_supported";
        public const string UnknownSession = "unknown_session";
        public const string SeveralSessions = "several_sessions";
        public const string NotLoopback = "not_loopback";
        public const string EndpointInUse = "endpoint_in_use";
        public const string NoRenderer = "no_renderer";
        public const string RingCorrupt = "ring_corrupt";
        public const string RingFull = "ring_full";
        public const string CudaNotUsable = "cuda_not_usable";
        public const string DeviceMismatch = "device_mismatch";
        public const string HandleRefused = "handle_refused";
        public const string DeviceTimeout = "device_timeout";
        public const string DeviceFailed = "device_failed";
        public const string ModelNotFound = "model_not_found";
        public const string ModelIncomplete = "model_incomplete";
        public const string ManifestInvalid = "manifest_invalid";
        public const string ModelUnsafe = "model_unsafe";
        public const string ModelMismatch = "model_mismatch";
        public const string ModelTooLarge = "model_too_large";
        public const string ModelNotFetched = "model_not_fetched";
        public const string ModelFailed = "model_failed";
        public const string UnknownStream = "unknown_stream";
        public const string SnapshotNotFound = "snapshot_not_found";
        public const string SnapshotCorrupt = "snapshot_corrupt";
        public const string SnapshotMismatch = "snapshot_mismatch";
        public const string SnapshotNotWritten = "snapshot_not_written";
        public const string WorldMemoryLost = "world_memory_lost";
        public const string TakeNotFound = "take_not_found";
        public const string TakeExists = "take_exists";
        public const string TakeNotWritten = "take_not_written";
        public const string TakeCorrupt = "take_corrupt";
        public const string TakeVersion = "take_version";
        public const string TakeEmpty = "take_empty";
        public const string TakeMixed = "take_mixed";
        public const string ExportNotWritten = "export_not_written";
        public const string ExportMixed = "export_mixed";
    }

    /// <summary>Engine to renderer, first: who I am and what I can give. Answered by WELCOME or REJECT.</summary>
    public static class HelloKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "HELLO";
        /// <summary>u32; the newest protocol version the engine speaks</summary>
        public const string Protocol = "protocol";
        /// <summary>u32; the oldest it speaks</summary>
        public const string ProtocolOldest = "protocol_oldest";
        /// <summary>text 0..64; from the connection file; compared in constant time</summary>
        public const string Token = "token";
        /// <summary>text 1..64; plugin or client name and version, for people</summary>
        public const string Client = "client";
        /// <summary>text 0..64; engine name and version, for people</summary>
        public const string Engine = "engine";
        /// <summary>u63; process id of the engine</summary>
        public const string Pid = "pid";
        /// <summary>u31; pixels of every plane, 1..max_side_px</summary>
        public const string Width = "width";
        /// <summary>u31; pixels of every plane, 1..max_side_px</summary>
        public const string Height = "height";
        /// <summary>list of PlaneOffer 0..16; what the engine can give</summary>
        public const string Planes = "planes";
        /// <summary>list of Transport 1..3; in the engine's order of preference</summary>
        public const string Transports = "transports";
        /// <summary>SyncMode; when the engine shows what</summary>
        public const string Sync = "sync";
        /// <summary>int 0..8; n of `delayed`, frames</summary>
        public const string DelayFrames = "delay_frames";
        /// <summary>LatePolicy; what it shows when a plate is late</summary>
        public const string Late = "late";
        /// <summary>u63; of the world; the same seed gives the same plates in `offline`</summary>
        public const string Seed = "seed";
        /// <summary>text 0..32; of the planes' GPU: UUID, 32 hex digits, or LUID, 16; empty: no `cuda` transport</summary>
        public const string Device = "device";
    }

    /// <summary>Renderer to engine: the session is open, and this is what was agreed. Once more in an open session: the model was changed; session, planes, transport and sync are as they were, and `models` is told anew.</summary>
    public static class WelcomeKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "WELCOME";
        /// <summary>u32; the version both will speak</summary>
        public const string Protocol = "protocol";
        /// <summary>text like `^[0-9a-f]{32}$`; random name of the session; every later message carries it</summary>
        public const string Session = "session";
        /// <summary>text 1..64; name of the world model that makes the plates</summary>
        public const string Model = "model";
        /// <summary>text 1..64; what runs the network, 'torch cpu' or 'none'</summary>
        public const string Runtime = "runtime";
        /// <summary>list of PlaneLayout; planes the engine is to send, with format; offsets and pitches are the engine's to set</summary>
        public const string Planes = "planes";
        /// <summary>list of PlaneLayout; planes the renderer will return</summary>
        public const string Outputs = "outputs";
        /// <summary>Transport; how the pixels will travel</summary>
        public const string Transport = "transport";
        /// <summary>text 0..1024; why a better transport was not possible; empty when the best was</summary>
        public const string TransportReason = "transport_reason";
        /// <summary>SyncMode; as agreed</summary>
        public const string Sync = "sync";
        /// <summary>int 0..8; n of `delayed`, frames</summary>
        public const string DelayFrames = "delay_frames";
        /// <summary>LatePolicy; as agreed</summary>
        public const string Late = "late";
        /// <summary>Limits; those in force for this session</summary>
        public const string Limits = "limits";
        /// <summary>int &gt;= 1; milliseconds between heartbeats of the link</summary>
        public const string HeartbeatMs = "heartbeat_ms";
        /// <summary>int &gt;= 1; milliseconds without a beat of the render loop after which it counts as stalled</summary>
        public const string StallMs = "stall_ms";
        /// <summary>list of Control; the model's controls</summary>
        public const string Controls = "controls";
        /// <summary>int &gt;= 1; frames the model makes at once; 1 for per-frame models</summary>
        public const string ChunkFrames = "chunk_frames";
        /// <summary>float; milliseconds from state to plate that the model promises; 0 = unknown</summary>
        public const string ResponseWindowMs = "response_window_ms";
        /// <summary>text 0..64; SPDX id of the model's weights</summary>
        public const string Licence = "licence";
        /// <summary>list of text 1..64; what MODEL can change over to, in the order to show it, and the one that serves; empty: it stays the model</summary>
        public const string Models = "models";
    }

    /// <summary>Renderer to engine: no session, and why.</summary>
    public static class RejectKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "REJECT";
        /// <summary>text 1..64; an error code of bridge/errors.py</summary>
        public const string Code = "code";
        /// <summary>text 0..1024; what is wrong, for a person</summary>
        public const string Text = "text";
        /// <summary>text 0..1024; what to do about it</summary>
        public const string Fix = "fix";
    }

    /// <summary>Engine to renderer: here is a ring. A new generation replaces the one before.</summary>
    public static class PlanesKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "PLANES";
        /// <summary>text like `^[0-9a-f]{32}$`; from WELCOME</summary>
        public const string Session = "session";
        /// <summary>u63; counts the session's rings, from 1</summary>
        public const string Generation = "generation";
        /// <summary>text like `^worldplate-[0-9a-f]{32}$`; random name of the shared segment</summary>
        public const string Segment = "segment";
        /// <summary>u63; size of the segment, 1..max_shared_bytes</summary>
        public const string SegmentBytes = "segment_bytes";
        /// <summary>int 2..64; slots, 2..max_slots</summary>
        public const string SlotCount = "slot_count";
        /// <summary>u63; bytes of a slot's payload</summary>
        public const string SlotBytes = "slot_bytes";
        /// <summary>list of PlaneLayout 0..16; inputs, written by the engine</summary>
        public const string Planes = "planes";
        /// <summary>list of PlaneLayout 0..16; outputs, written by the renderer</summary>
        public const string Outputs = "outputs";
    }

    /// <summary>Renderer to engine: the ring is mapped, or why not.</summary>
    public static class PlanesAckKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "PLANES_ACK";
        /// <summary>text like `^[0-9a-f]{32}$`; from WELCOME</summary>
        public const string Session = "session";
        /// <summary>u63; of the ring that PLANES offered</summary>
        public const string Generation = "generation";
        /// <summary>bool; true when the ring is mapped</summary>
        public const string Ok = "ok";
        /// <summary>text 0..64; an error code when not ok</summary>
        public const string Code = "code";
        /// <summary>text 0..1024; what is wrong with the ring, for a person; empty when ok</summary>
        public const string Text = "text";
    }

    /// <summary>Engine to renderer: one frame of engine state. Always answered by exactly one RESULT, or ERROR with its id.</summary>
    public static class FrameKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "FRAME";
        /// <summary>text like `^[0-9a-f]{32}$`; from WELCOME</summary>
        public const string Session = "session";
        /// <summary>u63; strictly increasing within a stream, from 1</summary>
        public const string Id = "id";
        /// <summary>text 1..64; the viewpoint this frame belongs to</summary>
        public const string Stream = "stream";
        /// <summary>u63; of the ring; 0 when the planes are inline</summary>
        public const string Generation = "generation";
        /// <summary>u32; of the ring, 0..slot_count-1; 0 when inline</summary>
        public const string Slot = "slot";
        /// <summary>list of PlaneLayout 0..16; inline only: what each message part after the header holds</summary>
        public const string Planes = "planes";
        /// <summary>u63; monotonic time of the engine state, nanoseconds</summary>
        public const string CaptureNs = "capture_ns";
        /// <summary>u63; when the plate must be back, same clock, nanoseconds; 0 = none</summary>
        public const string DeadlineNs = "deadline_ns";
        /// <summary>Timecode or null; of the house clock; null when there is none</summary>
        public const string Timecode = "timecode";
        /// <summary>Camera; the viewpoint that the planes were rendered from</summary>
        public const string Camera = "camera";
        /// <summary>Bodies; the rigid bodies of the physics, as in the planes</summary>
        public const string Bodies = "bodies";
        /// <summary>map of text to bool or int or float or text; values set by the engine for this frame; they last until changed</summary>
        public const string Controls = "controls";
        /// <summary>u63; for this frame; equal inputs and seed give equal plates in `offline`</summary>
        public const string Seed = "seed";
        /// <summary>Reset; whether time broke between the frame before and this one</summary>
        public const string Reset = "reset";
        /// <summary>u63; `cuda` only: the planes are whole once the semaphore `ready` has this value; 0: they are whole now</summary>
        public const string ReadyValue = "ready_value";
    }

    /// <summary>Renderer to engine: what became of a frame.</summary>
    public static class ResultKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "RESULT";
        /// <summary>text like `^[0-9a-f]{32}$`; from WELCOME</summary>
        public const string Session = "session";
        /// <summary>u63; the frame's id</summary>
        public const string Id = "id";
        /// <summary>text 1..64; the frame's stream</summary>
        public const string Stream = "stream";
        /// <summary>u63; of the ring that holds the plate; 0 when it is inline</summary>
        public const string Generation = "generation";
        /// <summary>u32; of the ring, echoed</summary>
        public const string Slot = "slot";
        /// <summary>Disposition; what became of it</summary>
        public const string Disposition = "disposition";
        /// <summary>text 0..1024; why it is not `generated`; empty when it is</summary>
        public const string Reason = "reason";
        /// <summary>Camera or null; the camera that the plate was made for, echoed</summary>
        public const string Camera = "camera";
        /// <summary>u63; echoed: monotonic time of the engine state, nanoseconds</summary>
        public const string CaptureNs = "capture_ns";
        /// <summary>float; frame age when the plate was finished, milliseconds</summary>
        public const string AgeMs = "age_ms";
        /// <summary>map of text to float; milliseconds per stage: ingest, recall, generate, blend, mark, ...</summary>
        public const string StagesMs = "stages_ms";
        /// <summary>list of PlaneLayout 0..16; inline only: what each part after the header holds</summary>
        public const string Outputs = "outputs";
        /// <summary>u63; bytes copied between host buffers for this frame; 0 = planes read in place, plate written in place</summary>
        public const string HostBytesCopied = "host_bytes_copied";
        /// <summary>text 0..64; name of the world model that made the plate</summary>
        public const string Model = "model";
        /// <summary>text 0..64; what ran the network</summary>
        public const string Runtime = "runtime";
        /// <summary>u63; `cuda` only: the plate is whole once the semaphore `done` has this value; 0: it is whole now</summary>
        public const string DoneValue = "done_value";
    }

    /// <summary>Engine to renderer: this ring is gone, unmap it (viewport resize, end of play).</summary>
    public static class ReleaseKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "RELEASE";
        /// <summary>text like `^[0-9a-f]{32}$`; from WELCOME</summary>
        public const string Session = "session";
        /// <summary>u63; of the ring that is gone</summary>
        public const string Generation = "generation";
    }

    /// <summary>Engine or operator to renderer: from frame `from_id` on, these controls and this ownership hold.</summary>
    public static class SetControlsKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "CONTROL";
        /// <summary>text like `^[0-9a-f]{32}$`; from WELCOME</summary>
        public const string Session = "session";
        /// <summary>u63; first frame it holds for; 0 = the next</summary>
        public const string FromId = "from_id";
        /// <summary>map of text to bool or int or float or text; name -&gt; value, checked against the model's schema</summary>
        public const string Values = "values";
        /// <summary>list of u32 0..4096 or null; object ids that stay the engine's; null = unchanged</summary>
        public const string EngineObjects = "engine_objects";
        /// <summary>list of u8 0..256 or null; labels that stay the engine's; null = unchanged</summary>
        public const string EngineLabels = "engine_labels";
        /// <summary>float or null; nearer than this stays the engine's, metres; null = unchanged</summary>
        public const string PlateNearM = "plate_near_m";
        /// <summary>float or null; farther than this stays the engine's, metres; null = unchanged</summary>
        public const string PlateFarM = "plate_far_m";
    }

    /// <summary>Engine or operator to renderer: an operation on the session's world. Answered by STATUS or ERROR.</summary>
    public static class WorldKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "WORLD";
        /// <summary>text like `^[0-9a-f]{32}$`; from WELCOME</summary>
        public const string Session = "session";
        /// <summary>WorldOp; what to do with the session's world</summary>
        public const string Op = "op";
        /// <summary>text like `^[A-Za-z0-9_-]*\Z`; of a snapshot; never a path</summary>
        public const string Name = "name";
        /// <summary>Reset; of `reset`: how much is forgotten; `none` is refused</summary>
        public const string Reset = "reset";
        /// <summary>text 0..64; the stream to reset, or to fork from; empty: all, or the only one</summary>
        public const string Stream = "stream";
        /// <summary>text 0..64; of `fork`: the stream that goes on from a copy</summary>
        public const string ToStream = "to_stream";
        /// <summary>u63; any number; STATUS or ERROR that answers repeats it</summary>
        public const string Nonce = "nonce";
    }

    /// <summary>Both ways: four time stamps give offset and round trip, as in NTP (RFC 5905 §8).</summary>
    public static class ClockKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "CLOCK";
        /// <summary>text like `^[0-9a-f]{32}$`; from WELCOME</summary>
        public const string Session = "session";
        /// <summary>u63; engine sent, engine clock, nanoseconds</summary>
        public const string T1Ns = "t1_ns";
        /// <summary>u63; renderer received, renderer clock, nanoseconds; 0 in the question</summary>
        public const string T2Ns = "t2_ns";
        /// <summary>u63; renderer sent, renderer clock, nanoseconds; 0 in the question</summary>
        public const string T3Ns = "t3_ns";
    }

    /// <summary>Renderer to engine: how it is doing.</summary>
    public static class StatusKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "STATUS";
        /// <summary>text like `^[0-9a-f]{32}$`; from WELCOME</summary>
        public const string Session = "session";
        /// <summary>RendererState; `degraded`: it works, but `text` says what is wrong</summary>
        public const string State = "state";
        /// <summary>text 0..1024; for a person: what is going on, and what to do if something is wrong</summary>
        public const string Text = "text";
        /// <summary>text 0..64; name of the world model</summary>
        public const string Model = "model";
        /// <summary>text 0..64; what runs the network</summary>
        public const string Runtime = "runtime";
        /// <summary>float; plates finished per second, over the last second</summary>
        public const string PlatesPerS = "plates_per_s";
        /// <summary>map of text to float; p50, p95, p99 over the last 256 plates, milliseconds</summary>
        public const string FrameAgeMs = "frame_age_ms";
        /// <summary>map of text to int; frames by disposition since the session began</summary>
        public const string Dispositions = "dispositions";
        /// <summary>text 0..64; `client` of the session's HELLO, for people</summary>
        public const string Name = "name";
        /// <summary>u63; of the WORLD, OPERATOR, RECORD or MODEL that this answers; 0: nobody asked</summary>
        public const string Nonce = "nonce";
        /// <summary>text 0..64; name of the take that the session is recorded into; empty: none</summary>
        public const string Take = "take";
        /// <summary>u63; frames that were shown and that the take lacks</summary>
        public const string TakeMissed = "take_missed";
        /// <summary>map of text to int; of the world's long memory, since the session began: fused, missed (views), restarts (of its process), evicted, forgotten, left_out, blocks, bytes; empty without one</summary>
        public const string Memory = "memory";
        /// <summary>map of text to int; of the GPU that serves, since the session began, whatever the transport: frames, host_to_device_bytes, device_to_host_bytes, allocations, cpu_waits; empty where none does</summary>
        public const string Gpu = "gpu";
    }

    /// <summary>Either way; the peer answers with the same nonce.</summary>
    public static class PingKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "PING";
        /// <summary>u63; any number; the answer repeats it</summary>
        public const string Nonce = "nonce";
        /// <summary>bool; true in the answer, which is not answered again</summary>
        public const string Answer = "answer";
    }

    /// <summary>Either way: the session is over.</summary>
    public static class ByeKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "BYE";
        /// <summary>text like `^[0-9a-f]{32}$`; from WELCOME</summary>
        public const string Session = "session";
        /// <summary>text 0..1024; why, for a person</summary>
        public const string Reason = "reason";
    }

    /// <summary>Renderer to engine: a message could not be taken. The session goes on unless `fatal`.</summary>
    public static class ErrorKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "ERROR";
        /// <summary>text 1..64; an error code of bridge/errors.py</summary>
        public const string Code = "code";
        /// <summary>text 0..1024; what is wrong: the value and the limit</summary>
        public const string Text = "text";
        /// <summary>text 0..1024; the setting to change, or the thing to do</summary>
        public const string Fix = "fix";
        /// <summary>u63; the frame it is about; 0 = none; a frame answered by ERROR counts as dropped</summary>
        public const string FrameId = "frame_id";
        /// <summary>text 0..64; the stream of that frame; empty when it is about none</summary>
        public const string Stream = "stream";
        /// <summary>bool; true when the session is over</summary>
        public const string Fatal = "fatal";
        /// <summary>u63; of the WORLD, RECORD or MODEL that this answers; 0 when it had none</summary>
        public const string Nonce = "nonce";
    }

    /// <summary>A person's tool to renderer: let me steer the sessions of engines. Answered by one STATUS per session, then one of session 0 for the renderer itself; or by REJECT.</summary>
    public static class OperatorHelloKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "OPERATOR";
        /// <summary>u32; the newest protocol version the tool speaks</summary>
        public const string Protocol = "protocol";
        /// <summary>u32; the oldest it speaks</summary>
        public const string ProtocolOldest = "protocol_oldest";
        /// <summary>text 0..64; from the connection file; compared in constant time</summary>
        public const string Token = "token";
        /// <summary>text 1..64; tool name and version, for people</summary>
        public const string Client = "client";
        /// <summary>u63; any number; each STATUS that answers repeats it</summary>
        public const string Nonce = "nonce";
    }

    /// <summary>Engine or operator to renderer: start or stop recording the session. Answered by STATUS or ERROR.</summary>
    public static class RecordKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "RECORD";
        /// <summary>text like `^[0-9a-f]{32}$`; from WELCOME</summary>
        public const string Session = "session";
        /// <summary>bool; true starts a take, false ends it</summary>
        public const string On = "on";
        /// <summary>text like `^[A-Za-z0-9_-]*\Z`; of the take, never a path; empty: date and time</summary>
        public const string Name = "name";
        /// <summary>bool; whether the take is signed beside its file when it ends; false is written down</summary>
        public const string Mark = "mark";
        /// <summary>u63; any number; STATUS or ERROR that answers repeats it</summary>
        public const string Nonce = "nonce";
    }

    /// <summary>Engine or operator to renderer: change over to another model, for every session. It is loaded while the old one serves; then every session is sent WELCOME again, with the same planes and the new model's controls. Answered by STATUS once it serves, of session 0 to an operator; or by ERROR, and then the old one goes on.</summary>
    public static class UseModelKeys
    {
        /// <summary>the value of `type`</summary>
        public const string MessageType = "MODEL";
        /// <summary>text like `^[A-Za-z0-9_-]*\Z`; its name: built in, or of the renderer's models folder; never a path</summary>
        public const string Model = "model";
        /// <summary>u63; any number; STATUS or ERROR that answers repeats it</summary>
        public const string Nonce = "nonce";
    }

    /// <summary>One plane's place: in a ring's slot, or as the bytes of one message part (then `offset_bytes` is 0).</summary>
    public static class PlaneLayoutKeys
    {
        /// <summary>PlaneName; which plane</summary>
        public const string Name = "name";
        /// <summary>PixelFormat; one of those allowed for the plane</summary>
        public const string Format = "format";
        /// <summary>u31; pixels, 1..max_side_px</summary>
        public const string Width = "width";
        /// <summary>u31; pixels, 1..max_side_px</summary>
        public const string Height = "height";
        /// <summary>u31; bytes from one row to the next, &gt;= width * bytes per pixel</summary>
        public const string RowPitchBytes = "row_pitch_bytes";
        /// <summary>u63; bytes from the start of the slot's payload to the first row; a multiple of 64</summary>
        public const string OffsetBytes = "offset_bytes";
    }

    /// <summary>A plane that the engine can give, in the formats it can give it.</summary>
    public static class PlaneOfferKeys
    {
        /// <summary>PlaneName; which plane</summary>
        public const string Name = "name";
        /// <summary>list of PixelFormat 1..8; in the engine's order of preference</summary>
        public const string Formats = "formats";
    }

    /// <summary>One thing a person can turn on a model; editors build their panels from a list of these.</summary>
    public static class ControlKeys
    {
        /// <summary>text 1..64; key in `controls` and `values`</summary>
        public const string Name = "name";
        /// <summary>ControlType; what the editor shows: slider, check box, list, text field</summary>
        public const string Type = "type";
        /// <summary>text 0..1024; what it does, for a person, in one sentence</summary>
        public const string Text = "text";
        /// <summary>bool or int or float or text; until the engine sets it</summary>
        public const string Default = "default";
        /// <summary>text 0..16; 'deg', 'm', ...; empty when it has none</summary>
        public const string Unit = "unit";
        /// <summary>float; for numbers, in `unit`</summary>
        public const string Minimum = "minimum";
        /// <summary>float; for numbers, in `unit`, &gt;= minimum</summary>
        public const string Maximum = "maximum";
        /// <summary>float; for numbers, in `unit`: how far one click of a spinner goes</summary>
        public const string Step = "step";
        /// <summary>list of text 1..64 0..64; for `choice`, in the order to show them</summary>
        public const string Choices = "choices";
    }

    /// <summary>A rigid transform to world space.</summary>
    public static class PoseKeys
    {
        /// <summary>3 x float; world space, metres, +Y up</summary>
        public const string PositionM = "position_m";
        /// <summary>4 x float; unit quaternion x,y,z,w; world_from_local</summary>
        public const string Orientation = "orientation";
    }

    /// <summary>What a real lens would read; 0 where unknown.</summary>
    public static class LensKeys
    {
        /// <summary>float; millimetres, &gt;= 0</summary>
        public const string FocalLengthMm = "focal_length_mm";
        /// <summary>float; millimetres, &gt;= 0</summary>
        public const string SensorWidthMm = "sensor_width_mm";
        /// <summary>float; f/ number, &gt;= 0</summary>
        public const string FNumber = "f_number";
        /// <summary>float; metres, &gt;= 0</summary>
        public const string FocusDistanceM = "focus_distance_m";
    }

    /// <summary>The viewpoint that a frame was rendered from.</summary>
    public static class CameraKeys
    {
        /// <summary>Pose; now; the camera looks down its own -Z, +Y up</summary>
        public const string WorldFromCamera = "world_from_camera";
        /// <summary>Pose; at the frame before; equals the pose now after a reset</summary>
        public const string PreviousWorldFromCamera = "previous_world_from_camera";
        /// <summary>16 x float; clip_from_view, row-major, jitter removed, OpenGL style: z in -1..1 after division</summary>
        public const string Projection = "projection";
        /// <summary>2 x float; sub-pixel jitter this frame was rendered with, pixels, x right, y down</summary>
        public const string JitterPx = "jitter_px";
        /// <summary>float; near plane, metres, &gt; 0</summary>
        public const string NearM = "near_m";
        /// <summary>float; far plane, metres, &gt; near; +inf is allowed</summary>
        public const string FarM = "far_m";
        /// <summary>Lens; what a real lens would read</summary>
        public const string Lens = "lens";
    }

    /// <summary>The rigid bodies of a frame, n of them, as little-endian arrays.</summary>
    public static class BodiesKeys
    {
        /// <summary>u32; n, 0..max_objects</summary>
        public const string Count = "count";
        /// <summary>bin; uint32[n]: object ids as in the object plane, no id twice</summary>
        public const string Ids = "ids";
        /// <summary>bin; uint8[n]: values of Label</summary>
        public const string Labels = "labels";
        /// <summary>bin; float64[n,7]: world_from_body position x,y,z in metres, quaternion x,y,z,w</summary>
        public const string Poses = "poses";
        /// <summary>bin; float64[n,7]: the same at the frame before</summary>
        public const string PreviousPoses = "previous_poses";
        /// <summary>bin; float32[n,6]: linear m/s, angular rad/s, world space</summary>
        public const string Velocities = "velocities";
        /// <summary>u32; m, 0..max_objects</summary>
        public const string ContactCount = "contact_count";
        /// <summary>bin; uint32[m,2]: the two object ids that touch</summary>
        public const string ContactIds = "contact_ids";
        /// <summary>bin; float32[m,4]: world x,y,z in metres and normal force in newtons</summary>
        public const string ContactPoints = "contact_points";
    }

    /// <summary>SMPTE 12M timecode with its rational rate.</summary>
    public static class TimecodeKeys
    {
        /// <summary>int 0..23; of the time of day</summary>
        public const string Hours = "hours";
        /// <summary>int 0..59; of the hour</summary>
        public const string Minutes = "minutes";
        /// <summary>int 0..59; of the minute</summary>
        public const string Seconds = "seconds";
        /// <summary>int 0..119; of the second, below the rate rounded up</summary>
        public const string Frames = "frames";
        /// <summary>bool; numbers are left out so that 29.97 and 59.94 keep to the clock</summary>
        public const string DropFrame = "drop_frame";
        /// <summary>int 1..240000; frames per second is numerator / denominator</summary>
        public const string RateNumerator = "rate_numerator";
        /// <summary>int 1..1001; 1, or 1001 for 23.976, 29.97 and 59.94</summary>
        public const string RateDenominator = "rate_denominator";
    }

    /// <summary>Hard limits. Each is a setting of the renderer under the same name, and each refusal names it.</summary>
    public static class LimitsKeys
    {
        /// <summary>int &gt;= 1; bytes in the header part of one message</summary>
        public const string MaxMessageBytes = "max_message_bytes";
        /// <summary>int &gt;= 1; parts in one message; the first is the header, the rest are planes</summary>
        public const string MaxParts = "max_parts";
        /// <summary>int &gt;= 1; nesting of arrays and maps in a header</summary>
        public const string MaxDepth = "max_depth";
        /// <summary>int &gt;= 1; maps and arrays in a header</summary>
        public const string MaxNodes = "max_nodes";
        /// <summary>int &gt;= 1; rigid bodies, and contacts, in one frame</summary>
        public const string MaxObjects = "max_objects";
        /// <summary>int &gt;= 1; controls in one message</summary>
        public const string MaxControls = "max_controls";
        /// <summary>int &gt;= 1; characters in a prompt</summary>
        public const string MaxText = "max_text";
        /// <summary>int &gt;= 1; width or height of a plane in pixels</summary>
        public const string MaxSidePx = "max_side_px";
        /// <summary>int &gt;= 1; bytes of all planes of one frame</summary>
        public const string MaxFrameBytes = "max_frame_bytes";
        /// <summary>int &gt;= 1; bytes of shared memory a session may offer</summary>
        public const string MaxSharedBytes = "max_shared_bytes";
        /// <summary>int &gt;= 1; slots in one ring</summary>
        public const string MaxSlots = "max_slots";
        /// <summary>int &gt;= 1; engines at one renderer</summary>
        public const string MaxSessions = "max_sessions";
        /// <summary>int &gt;= 1; people's tools at one renderer</summary>
        public const string MaxOperators = "max_operators";
        /// <summary>int &gt;= 1; snapshots that are kept</summary>
        public const string MaxSnapshots = "max_snapshots";
        /// <summary>int &gt;= 1; bytes of all snapshots that are kept</summary>
        public const string MaxSnapshotBytes = "max_snapshot_bytes";
        /// <summary>int &gt;= 1; streams in one session</summary>
        public const string MaxStreams = "max_streams";
        /// <summary>int &gt;= 1; messages per second in one session</summary>
        public const string MaxRequestsPerS = "max_requests_per_s";
    }
}
