// Written by `python -m bridge.codegen` from plugins/native/include/worldplate.h. Do not edit.
#nullable enable
using System.Runtime.InteropServices;

namespace Worldplate.Interop
{
    /// <summary>What a function returns.</summary>
    public enum WpCode
    {
        /// <summary>done</summary>
        Ok,
        /// <summary>this handle is of no open client: open one with wp_open</summary>
        NoClient,
        /// <summary>an argument is out of its range: wp_last_error says which, its value and its limit</summary>
        BadArgument,
        /// <summary>the header and the library differ: build with the worldplate.h of this library</summary>
        BadAbi,
        /// <summary>no renderer is attached: start one with `worldplate serve`</summary>
        NoRenderer,
        /// <summary>no such frame is remembered: use the id of one of the last WP_HISTORY_FRAMES wp_begin_frame</summary>
        NoFrame,
        /// <summary>no slot is free: the frame is not sent; raise `slot_count`, or ask wp_wants_pixels first</summary>
        NoSlot,
        /// <summary>the model has no control of this name: wp_control lists them</summary>
        NoControl,
        /// <summary>the time is over and the plate is not there</summary>
        Timeout,
        /// <summary>this is not supported here: wp_last_error says what to use</summary>
        NotSupported,
        /// <summary>there is not enough memory: use a smaller picture or fewer slots</summary>
        NoMemory,
        /// <summary>the system gives no more threads, sockets or files: close some, or raise its limits</summary>
        NoResources,
        /// <summary>a fault inside the library: wp_last_error has what is known; please report it</summary>
        Internal,
        /// <summary>the renderer lists no more models than those before: wp_model_at counts from 0</summary>
        NoModel,
    }

    public enum WpModelProgress
    {
        Unasked,
        Loading,
        Serves,
        Refused,
    }

    public enum WpLinkState
    {
        Searching,
        Connecting,
        Greeting,
        Opening,
        Attached,
        Stalled,
        Refused,
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpClient
    {
        public uint Id;
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpPlane
    {
        public PlaneName Name;
        public PixelFormat Format;
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpClientDesc
    {
        public uint AbiVersion;
        public uint Width;
        public uint Height;
        public WpPlane* Planes;
        public uint PlaneCount;
        public SyncMode Sync;
        public uint DelayFrames;
        public LatePolicy Late;
        public ulong Seed;
        public uint SlotCount;
        public uint FramesInFlight;
        public double FramePeriodMs;
        public byte* Name;
        public byte* Engine;
        public byte* ConnectionFile;
        public byte InlineOnly;
        public System.IntPtr PlateArrived;
        public void* PlateUser;
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpPose
    {
        public fixed double PositionM[3];
        public fixed double Orientation[4];
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpCamera
    {
        public WpPose WorldFromCamera;
        public WpPose PreviousWorldFromCamera;
        public fixed double Projection[16];
        public fixed double JitterPx[2];
        public double NearM;
        public double FarM;
        public double FocalLengthMm;
        public double SensorWidthMm;
        public double FNumber;
        public double FocusDistanceM;
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpBody
    {
        public uint Id;
        public byte Label;
        public WpPose WorldFromBody;
        public WpPose PreviousWorldFromBody;
        public fixed float VelocityMS[3];
        public fixed float AngularVelocityRadS[3];
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpContact
    {
        public fixed uint Ids[2];
        public fixed float PointM[3];
        public float NormalForceN;
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpTimecode
    {
        public byte Hours;
        public byte Minutes;
        public byte Seconds;
        public byte Frames;
        public byte DropFrame;
        public uint RateNumerator;
        public uint RateDenominator;
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpFrame
    {
        public ulong CaptureNs;
        public WpCamera Camera;
        public WpBody* Bodies;
        public uint BodyCount;
        public WpContact* Contacts;
        public uint ContactCount;
        public Reset Reset;
        public ulong Seed;
        public WpTimecode* Timecode;
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpPlanePlace
    {
        public PlaneName Name;
        public PixelFormat Format;
        public uint RowPitchBytes;
        public ulong OffsetBytes;
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpPicture
    {
        public ulong TargetId;
        public ulong PlateId;
        public Disposition Disposition;
        public float Strength;
        public void* Plate;
        public uint Width;
        public uint Height;
        public uint RowPitchBytes;
        public double AgeMs;
        public double StateAgeMs;
        public fixed byte Reason[1025];
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpReprojectionData
    {
        public fixed float SourceViewFromTargetView[16];
        public fixed float SourceProjection[16];
        public fixed float TargetProjection[16];
        public fixed float SourceJitterPx[2];
        public fixed float TargetJitterPx[2];
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpBodyMotion
    {
        public uint Id;
        public uint Known;
        public fixed float SourceViewFromTargetView[16];
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpControl
    {
        public fixed byte Name[65];
        public ControlType Type;
        public fixed byte Text[1025];
        public fixed byte Unit[65];
        public double Minimum;
        public double Maximum;
        public double Step;
        public double DefaultNumber;
        public fixed byte DefaultText[1025];
        public uint ChoiceCount;
        public fixed byte Choices[4160];
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpModelChange
    {
        public WpModelProgress Progress;
        public fixed byte Name[65];
        public fixed byte ErrorCode[65];
        public fixed byte ErrorText[1025];
        public fixed byte ErrorFix[1025];
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpStage
    {
        public fixed byte Name[65];
        public double Ms;
    }

    [StructLayout(LayoutKind.Sequential)]
    public unsafe struct WpStatus
    {
        public WpLinkState State;
        public uint SessionCount;
        public ulong RendererPid;
        public Transport Transport;
        public fixed byte TransportReason[1025];
        public fixed byte Model[65];
        public fixed byte Runtime[65];
        public fixed byte Licence[65];
        public RendererState RendererState;
        public fixed byte RendererText[1025];
        public fixed byte ErrorCode[65];
        public fixed byte ErrorText[1025];
        public fixed byte ErrorFix[1025];
        public uint WantedPlanes;
        public ulong Begun;
        public ulong Submitted;
        public ulong Answered;
        public fixed ulong Dispositions[4];
        public ulong Repeated;
        public double PlatesPerS;
        public double AgeP50Ms;
        public double AgeP95Ms;
        public double AgeP99Ms;
        public double RoundTripMs;
        public ulong HostBytesCopied;
        public ulong RendererBytesCopied;
        public WpStage Stages0;
        public WpStage Stages1;
        public WpStage Stages2;
        public WpStage Stages3;
        public WpStage Stages4;
        public WpStage Stages5;
        public WpStage Stages6;
        public WpStage Stages7;
        public WpStage Stages8;
        public WpStage Stages9;
        public WpStage Stages10;
        public WpStage Stages11;
        public WpStage Stages12;
        public WpStage Stages13;
        public WpStage Stages14;
        public WpStage Stages15;
        public uint StageCount;
    }

    /// <summary>The functions of worldplate.h, under their own names.</summary>
    public static unsafe class Native
    {
        private const string Library = "worldplate";

        /// <summary>of this header; wp_client_defaults() writes it, wp_open() checks it</summary>
        public const int AbiVersion = 1;
        /// <summary>frames whose camera and bodies a client remembers</summary>
        public const int HistoryFrames = 64;
        /// <summary>how far a picture may fall behind before `fade` and `passthrough` step in</summary>
        public const int PatienceFrames = 2;
        /// <summary>late frames until `fade` shows the engine's own picture</summary>
        public const int FadeFrames = 8;
        /// <summary>wp_close() waits for its last message this long at most</summary>
        public const int CloseMs = 200;
        /// <summary>a name of the protocol and its end</summary>
        public const int NameBytes = 65;
        /// <summary>a text of the protocol, cut when it is longer, and its end</summary>
        public const int TextBytes = 1025;
        /// <summary>stage times that are kept of a plate</summary>
        public const int MaxStages = 16;

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern byte* wp_code_text(WpCode code);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern byte* wp_last_error();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpClientDesc wp_client_defaults();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_open(WpClientDesc* desc, WpClient* client);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_close(WpClient client);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_resize(WpClient client, uint width, uint height);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern ulong wp_now_ns();

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_begin_frame(WpClient client, WpFrame* frame, ulong* id);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int wp_wants_pixels(WpClient client);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_layout(WpClient client, WpPlanePlace* places, ulong* bytes);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_submit(WpClient client, ulong id, void* pixels, ulong bytes, System.IntPtr release, void* user);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_submit_marked(WpClient client, ulong id, void* pixels, ulong bytes, uint* released);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_slot(WpClient client, ulong id, void** planes);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_submit_slot(WpClient client, ulong id);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_wait(WpClient client, ulong id, double timeoutMs);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_present(WpClient client, WpPicture* picture);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern int wp_plate_whole(WpClient client);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_reprojection(WpClient client, ulong targetId, ulong sourceId, WpReprojectionData* data);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_body_motions(WpClient client, ulong targetId, ulong sourceId, WpBodyMotion* motions, uint* count);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_control_at(WpClient client, uint index, WpControl* control);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_set_number(WpClient client, byte* name, double value);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_set_text(WpClient client, byte* name, byte* value);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_set_engine_objects(WpClient client, uint* ids, uint count);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_set_engine_labels(WpClient client, byte* labels, uint count);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_set_plate_range(WpClient client, double nearM, double farM);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_reset_world(WpClient client);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_model_at(WpClient client, uint index, byte* name);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_use_model(WpClient client, byte* name);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_get_model_change(WpClient client, WpModelChange* change);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_get_status(WpClient client, WpStatus* status);

        [DllImport(Library, CallingConvention = CallingConvention.Cdecl, ExactSpelling = true)]
        public static extern WpCode wp_next_log(WpClient client, byte* line, int* level);
    }
}
