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

    /// <summary>When the engine shows what. `delayed` shows the frame submitted `delay_frames` ticks ago.</summary>
    public enum SyncMode
    {
        Lockstep = 0,
        Delayed = 1,
        Genlocked = 2,
        Freerun = 3,
        Offline = 4,
    }

    /// <summary>What is shown in place of a plate that is not there in time.</summary>
    public enum LatePolicy
    {
        Reproject = 0,
        Hold = 1,
        Passthrough = 2,
        Fade = 3,
    }

    /// <summary>What became of a frame; every frame id gets exactly one.</summary>
    public enum Disposition
    {
        Generated = 0,
        Reprojected = 1,
        Passthrough = 2,
        Dropped = 3,
    }

    /// <summary>A break in time: nothing from before it may be shown after it.</summary>
    public enum Reset
    {
        None = 0,
        Cut = 1,
        Teleport = 2,
    }

    /// <summary>WorldOp</summary>
    public enum WorldOp
    {
        Reset = 0,
        Snapshot = 1,
        Restore = 2,
        Fork = 3,
    }

    /// <summary>RendererState</summary>
    public enum RendererState
    {
        Loading = 0,
        Ready = 1,
        Running = 2,
        Degraded = 3,
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

    public static class Schema
    {
        public const int ProtocolVersion = 1;
        public const int RingAbiVersion = 1;
        public const int RingHeaderBytes = 4096;
        public const int RingSlotHeaderBytes = 64;
        public const int RingMaxPlanes = 16;
        public const int RingPlanesOffset = 256;
        public const int RingPlaneBytes = 32;
        public const ulong RingMagic = 0x31474e49524c5057UL;
        public const int RingHeader_Magic = 0;
        public const int RingHeader_AbiVersion = 8;
        public const int RingHeader_HeaderBytes = 12;
        public const int RingHeader_SegmentBytes = 16;
        public const int RingHeader_Generation = 24;
        public const int RingHeader_OwnerPid = 32;
        public const int RingHeader_OwnerStart = 40;
        public const int RingHeader_SlotCount = 48;
        public const int RingHeader_SlotHeaderBytes = 52;
        public const int RingHeader_SlotBytes = 56;
        public const int RingHeader_PlaneCount = 64;
        public const int RingHeader_InputCount = 68;
        public const int RingHeader_Beat = 128;
        public const int RingHeader_BeatNs = 136;
        public const int RingHeader_ReaderPid = 144;
        public const int RingPlane_Name = 0;
        public const int RingPlane_Format = 4;
        public const int RingPlane_Width = 8;
        public const int RingPlane_Height = 12;
        public const int RingPlane_RowPitchBytes = 16;
        public const int RingPlane_Reserved = 20;
        public const int RingPlane_OffsetBytes = 24;
        public const int RingSlot_InputSequence = 0;
        public const int RingSlot_InputFrameId = 8;
        public const int RingSlot_PlateSequence = 16;
        public const int RingSlot_PlateFrameId = 24;
    }

    public static class DefaultLimits
    {
        public const long MaxMessageBytes = 262144L;
        public const long MaxParts = 16L;
        public const long MaxDepth = 16L;
        public const long MaxObjects = 4096L;
        public const long MaxControls = 64L;
        public const long MaxText = 1024L;
        public const long MaxSidePx = 8192L;
        public const long MaxFrameBytes = 536870912L;
        public const long MaxSharedBytes = 2147483648L;
        public const long MaxSlots = 8L;
        public const long MaxSessions = 8L;
        public const long MaxStreams = 8L;
        public const long MaxRequestsPerS = 1000L;
    }

    public static class ErrorCode
    {
        public const string Error = "error";
        public const string Protocol = "protocol";
        public const string Refused = "refused";
        public const string Transport = "transport";
        public const string Model = "model";
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
        public const string NotLoopback = "not_loopback";
        public const string EndpointInUse = "endpoint_in_use";
        public const string NoRenderer = "no_renderer";
        public const string RingCorrupt = "ring_corrupt";
        public const string RingFull = "ring_full";
        public const string ModelNotFound = "model_not_found";
        public const string ModelIncomplete = "model_incomplete";
        public const string ModelFailed = "model_failed";
    }

    /// <summary>Engine to renderer, first: who I am and what I can give. Answered by WELCOME or REJECT.</summary>
    public static class HelloKeys
    {
        public const string Type = "HELLO";
        public const string Protocol = "protocol";
        public const string ProtocolOldest = "protocol_oldest";
        public const string Token = "token";
        public const string Client = "client";
        public const string Engine = "engine";
        public const string Pid = "pid";
        public const string Width = "width";
        public const string Height = "height";
        public const string Planes = "planes";
        public const string Transports = "transports";
        public const string Sync = "sync";
        public const string DelayFrames = "delay_frames";
        public const string Late = "late";
        public const string Seed = "seed";
    }

    /// <summary>Renderer to engine: the session is open, and this is what was agreed.</summary>
    public static class WelcomeKeys
    {
        public const string Type = "WELCOME";
        public const string Protocol = "protocol";
        public const string Session = "session";
        public const string Model = "model";
        public const string Runtime = "runtime";
        public const string Planes = "planes";
        public const string Outputs = "outputs";
        public const string Transport = "transport";
        public const string TransportReason = "transport_reason";
        public const string Sync = "sync";
        public const string DelayFrames = "delay_frames";
        public const string Late = "late";
        public const string Limits = "limits";
        public const string HeartbeatMs = "heartbeat_ms";
        public const string StallMs = "stall_ms";
        public const string Controls = "controls";
        public const string ChunkFrames = "chunk_frames";
        public const string ResponseWindowMs = "response_window_ms";
        public const string Licence = "licence";
    }

    /// <summary>Renderer to engine: no session, and why.</summary>
    public static class RejectKeys
    {
        public const string Type = "REJECT";
        public const string Code = "code";
        public const string Text = "text";
        public const string Fix = "fix";
    }

    /// <summary>Engine to renderer: here is a ring. A new generation replaces the one before.</summary>
    public static class PlanesKeys
    {
        public const string Type = "PLANES";
        public const string Session = "session";
        public const string Generation = "generation";
        public const string Segment = "segment";
        public const string SegmentBytes = "segment_bytes";
        public const string SlotCount = "slot_count";
        public const string SlotBytes = "slot_bytes";
        public const string Planes = "planes";
        public const string Outputs = "outputs";
    }

    /// <summary>Renderer to engine: the ring is mapped, or why not.</summary>
    public static class PlanesAckKeys
    {
        public const string Type = "PLANES_ACK";
        public const string Session = "session";
        public const string Generation = "generation";
        public const string Ok = "ok";
        public const string Code = "code";
        public const string Text = "text";
    }

    /// <summary>Engine to renderer: one frame of engine state. Always answered by exactly one RESULT, or ERROR with its id.</summary>
    public static class FrameKeys
    {
        public const string Type = "FRAME";
        public const string Session = "session";
        public const string Id = "id";
        public const string Stream = "stream";
        public const string Generation = "generation";
        public const string Slot = "slot";
        public const string Planes = "planes";
        public const string CaptureNs = "capture_ns";
        public const string DeadlineNs = "deadline_ns";
        public const string Timecode = "timecode";
        public const string Camera = "camera";
        public const string Bodies = "bodies";
        public const string Controls = "controls";
        public const string Seed = "seed";
        public const string Reset = "reset";
    }

    /// <summary>Renderer to engine: what became of a frame.</summary>
    public static class ResultKeys
    {
        public const string Type = "RESULT";
        public const string Session = "session";
        public const string Id = "id";
        public const string Stream = "stream";
        public const string Generation = "generation";
        public const string Slot = "slot";
        public const string Disposition = "disposition";
        public const string Reason = "reason";
        public const string Camera = "camera";
        public const string CaptureNs = "capture_ns";
        public const string AgeMs = "age_ms";
        public const string StagesMs = "stages_ms";
        public const string Outputs = "outputs";
        public const string HostBytesCopied = "host_bytes_copied";
        public const string Model = "model";
        public const string Runtime = "runtime";
    }

    /// <summary>Engine to renderer: this ring is gone, unmap it (viewport resize, end of play).</summary>
    public static class ReleaseKeys
    {
        public const string Type = "RELEASE";
        public const string Session = "session";
        public const string Generation = "generation";
    }

    /// <summary>Engine to renderer: from frame `from_id` on, these controls and this ownership hold.</summary>
    public static class SetControlsKeys
    {
        public const string Type = "CONTROL";
        public const string Session = "session";
        public const string FromId = "from_id";
        public const string Values = "values";
        public const string EngineObjects = "engine_objects";
        public const string EngineLabels = "engine_labels";
        public const string PlateNearM = "plate_near_m";
        public const string PlateFarM = "plate_far_m";
    }

    /// <summary>Engine to renderer: an operation on the session's world. Answered by STATUS or ERROR.</summary>
    public static class WorldKeys
    {
        public const string Type = "WORLD";
        public const string Session = "session";
        public const string Op = "op";
        public const string Name = "name";
    }

    /// <summary>Both ways: four time stamps give offset and round trip, as in NTP (RFC 5905 §8).</summary>
    public static class ClockKeys
    {
        public const string Type = "CLOCK";
        public const string Session = "session";
        public const string T1Ns = "t1_ns";
        public const string T2Ns = "t2_ns";
        public const string T3Ns = "t3_ns";
    }

    /// <summary>Renderer to engine: how it is doing.</summary>
    public static class StatusKeys
    {
        public const string Type = "STATUS";
        public const string Session = "session";
        public const string State = "state";
        public const string Text = "text";
        public const string Model = "model";
        public const string Runtime = "runtime";
        public const string PlatesPerS = "plates_per_s";
        public const string FrameAgeMs = "frame_age_ms";
        public const string Dispositions = "dispositions";
    }

    /// <summary>Either way; the peer answers with the same nonce.</summary>
    public static class PingKeys
    {
        public const string Type = "PING";
        public const string Nonce = "nonce";
        public const string Answer = "answer";
    }

    /// <summary>Either way: the session is over.</summary>
    public static class ByeKeys
    {
        public const string Type = "BYE";
        public const string Session = "session";
        public const string Reason = "reason";
    }

    /// <summary>Renderer to engine: a message could not be taken. The session goes on unless `fatal`.</summary>
    public static class ErrorKeys
    {
        public const string Type = "ERROR";
        public const string Code = "code";
        public const string Text = "text";
        public const string Fix = "fix";
        public const string FrameId = "frame_id";
        public const string Stream = "stream";
        public const string Fatal = "fatal";
    }

    /// <summary>One plane's place: in a ring's slot, or as the bytes of one message part (then `offset_bytes` is 0).</summary>
    public static class PlaneLayoutKeys
    {
        public const string Name = "name";
        public const string Format = "format";
        public const string Width = "width";
        public const string Height = "height";
        public const string RowPitchBytes = "row_pitch_bytes";
        public const string OffsetBytes = "offset_bytes";
    }

    /// <summary>A plane that the engine can give, in the formats it can give it.</summary>
    public static class PlaneOfferKeys
    {
        public const string Name = "name";
        public const string Formats = "formats";
    }

    /// <summary>One thing a person can turn on a model; editors build their panels from a list of these.</summary>
    public static class ControlKeys
    {
        public const string Name = "name";
        public const string Type = "type";
        public const string Text = "text";
        public const string Default = "default";
        public const string Unit = "unit";
        public const string Minimum = "minimum";
        public const string Maximum = "maximum";
        public const string Step = "step";
        public const string Choices = "choices";
    }

    /// <summary>A rigid transform to world space.</summary>
    public static class PoseKeys
    {
        public const string PositionM = "position_m";
        public const string Orientation = "orientation";
    }

    /// <summary>What a real lens would read; 0 where unknown.</summary>
    public static class LensKeys
    {
        public const string FocalLengthMm = "focal_length_mm";
        public const string SensorWidthMm = "sensor_width_mm";
        public const string FNumber = "f_number";
        public const string FocusDistanceM = "focus_distance_m";
    }

    /// <summary>The viewpoint that a frame was rendered from.</summary>
    public static class CameraKeys
    {
        public const string WorldFromCamera = "world_from_camera";
        public const string PreviousWorldFromCamera = "previous_world_from_camera";
        public const string Projection = "projection";
        public const string JitterPx = "jitter_px";
        public const string NearM = "near_m";
        public const string FarM = "far_m";
        public const string Lens = "lens";
    }

    /// <summary>The rigid bodies of a frame, n of them, as little-endian arrays.</summary>
    public static class BodiesKeys
    {
        public const string Count = "count";
        public const string Ids = "ids";
        public const string Labels = "labels";
        public const string Poses = "poses";
        public const string PreviousPoses = "previous_poses";
        public const string Velocities = "velocities";
        public const string ContactCount = "contact_count";
        public const string ContactIds = "contact_ids";
        public const string ContactPoints = "contact_points";
    }

    /// <summary>SMPTE 12M timecode with its rational rate.</summary>
    public static class TimecodeKeys
    {
        public const string Hours = "hours";
        public const string Minutes = "minutes";
        public const string Seconds = "seconds";
        public const string Frames = "frames";
        public const string DropFrame = "drop_frame";
        public const string RateNumerator = "rate_numerator";
        public const string RateDenominator = "rate_denominator";
    }

    /// <summary>Hard limits. Each is a setting of the renderer under the same name, and each refusal names it.</summary>
    public static class LimitsKeys
    {
        public const string MaxMessageBytes = "max_message_bytes";
        public const string MaxParts = "max_parts";
        public const string MaxDepth = "max_depth";
        public const string MaxObjects = "max_objects";
        public const string MaxControls = "max_controls";
        public const string MaxText = "max_text";
        public const string MaxSidePx = "max_side_px";
        public const string MaxFrameBytes = "max_frame_bytes";
        public const string MaxSharedBytes = "max_shared_bytes";
        public const string MaxSlots = "max_slots";
        public const string MaxSessions = "max_sessions";
        public const string MaxStreams = "max_streams";
        public const string MaxRequestsPerS = "max_requests_per_s";
    }
}
