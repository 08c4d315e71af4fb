/* Written by `python -m bridge.codegen` from bridge/schema. Do not edit. */
#ifndef WORLDPLATE_SCHEMA_H
#define WORLDPLATE_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define WP_STATIC_ASSERT(condition, text) static_assert(condition, text)
#else
#define WP_STATIC_ASSERT(condition, text) _Static_assert(condition, text)
#endif

#define WP_PROTOCOL_VERSION 1
#define WP_RING_ABI_VERSION 1
#define WP_RING_HEADER_BYTES 4096
#define WP_RING_SLOT_HEADER_BYTES 64
#define WP_RING_MAX_PLANES 16
#define WP_RING_PLANES_OFFSET 256
#define WP_RING_PLANE_BYTES 32
#define WP_HANDLES_ABI_VERSION 1
#define WP_HANDLES_BYTES 1024
#define WP_RING_MAGIC UINT64_C(0x31474e49524c5057) /* the bytes WPLRING1 */
#define WP_HANDLES_MAGIC UINT64_C(0x0031444e484c5057) /* the bytes WPLHND1 and 0 */

/* One image buffer of a frame. The first eight travel from the engine, the last three from the renderer. */
typedef enum wp_plane_name {
    WP_PLANE_NAME_COLOR = 0, /* scene-linear Rec.709, before tone mapping, exposure divided out, no UI; alpha is the engine's */
    WP_PLANE_NAME_DEPTH = 1, /* linear view-space Z in metres, > 0; +inf where there is no geometry */
    WP_PLANE_NAME_NORMAL = 2, /* unit vector in world space; 0,0,0 where there is no geometry; the fourth component is unused */
    WP_PLANE_NAME_MOTION = 3, /* previous_uv - current_uv, u right, v down, jitter removed; NaN where unknown */
    WP_PLANE_NAME_ALBEDO = 4, /* linear base colour 0..1; the fourth component is unused */
    WP_PLANE_NAME_MATERIAL = 5, /* roughness 0..1, metallic 0..1 */
    WP_PLANE_NAME_OBJECT = 6, /* object id, 0 where there is no geometry */
    WP_PLANE_NAME_LABEL = 7, /* class of the thing, a value of Label */
    WP_PLANE_NAME_PLATE = 8, /* the generated picture: scene-linear Rec.709, straight alpha = matte (1 plate, 0 engine) */
    WP_PLANE_NAME_PLATE_DEPTH = 9, /* depth of the plate, as depth */
    WP_PLANE_NAME_CONFIDENCE = 10, /* how far the plate can be trusted, 0..1 */
} wp_plane_name;
#define WP_PLANE_NAME_COUNT 11
#define WP_PLANE_NAME_TEXTS {"color", "depth", "normal", "motion", "albedo", "material", "object", "label", "plate", "plate_depth", "confidence"}

/* Channels and type of one pixel, little-endian, interleaved: f is IEEE float, ui unsigned integer, bare unorm. */
typedef enum wp_pixel_format {
    WP_PIXEL_FORMAT_RGBA16F = 0,
    WP_PIXEL_FORMAT_RGBA32F = 1,
    WP_PIXEL_FORMAT_RG16F = 2,
    WP_PIXEL_FORMAT_RG32F = 3,
    WP_PIXEL_FORMAT_R16F = 4,
    WP_PIXEL_FORMAT_R32F = 5,
    WP_PIXEL_FORMAT_R32UI = 6,
    WP_PIXEL_FORMAT_R8UI = 7,
} wp_pixel_format;
#define WP_PIXEL_FORMAT_COUNT 8
#define WP_PIXEL_FORMAT_TEXTS {"rgba16f", "rgba32f", "rg16f", "rg32f", "r16f", "r32f", "r32ui", "r8ui"}

/* Class of a thing, the values of the label plane. An engine maps its own tags or layers to these. */
typedef enum wp_label {
    WP_LABEL_UNKNOWN = 0,
    WP_LABEL_SKY = 1,
    WP_LABEL_GROUND = 2,
    WP_LABEL_WALL = 3,
    WP_LABEL_STONE = 4,
    WP_LABEL_ROOF = 5,
    WP_LABEL_WOOD = 6,
    WP_LABEL_METAL = 7,
    WP_LABEL_FABRIC = 8,
    WP_LABEL_FOLIAGE = 9,
    WP_LABEL_PLASTIC = 10,
    WP_LABEL_WATER = 11,
    WP_LABEL_GLASS = 12,
    WP_LABEL_CHARACTER = 13,
    WP_LABEL_VEHICLE = 14,
    WP_LABEL_LIGHT = 15,
} wp_label;
#define WP_LABEL_COUNT 16

/* How pixels travel, best first. */
typedef enum wp_transport {
    WP_TRANSPORT_CUDA = 0,
    WP_TRANSPORT_SHM = 1,
    WP_TRANSPORT_INLINE = 2,
} wp_transport;
#define WP_TRANSPORT_COUNT 3
#define WP_TRANSPORT_TEXTS {"cuda", "shm", "inline"}

/* When the engine shows what. `delayed` shows the frame submitted `delay_frames` ticks ago. */
typedef enum wp_sync_mode {
    WP_SYNC_MODE_LOCKSTEP = 0,
    WP_SYNC_MODE_DELAYED = 1,
    WP_SYNC_MODE_GENLOCKED = 2,
    WP_SYNC_MODE_FREERUN = 3,
    WP_SYNC_MODE_OFFLINE = 4,
} wp_sync_mode;
#define WP_SYNC_MODE_COUNT 5
#define WP_SYNC_MODE_TEXTS {"lockstep", "delayed", "genlocked", "freerun", "offline"}

/* What is shown in place of a plate that is not there in time. */
typedef enum wp_late_policy {
    WP_LATE_POLICY_REPROJECT = 0,
    WP_LATE_POLICY_HOLD = 1,
    WP_LATE_POLICY_PASSTHROUGH = 2,
    WP_LATE_POLICY_FADE = 3,
} wp_late_policy;
#define WP_LATE_POLICY_COUNT 4
#define WP_LATE_POLICY_TEXTS {"reproject", "hold", "passthrough", "fade"}

/* What became of a frame; every frame id gets exactly one. */
typedef enum wp_disposition {
    WP_DISPOSITION_GENERATED = 0,
    WP_DISPOSITION_REPROJECTED = 1,
    WP_DISPOSITION_PASSTHROUGH = 2,
    WP_DISPOSITION_DROPPED = 3,
} wp_disposition;
#define WP_DISPOSITION_COUNT 4
#define WP_DISPOSITION_TEXTS {"generated", "reprojected", "passthrough", "dropped"}

/* A break in time: nothing from before it may be shown after it. After `cut` (another shot) and `teleport` (the camera is elsewhere) the world's places are still known; `new` forgets them too. */
typedef enum wp_reset {
    WP_RESET_NONE = 0,
    WP_RESET_CUT = 1,
    WP_RESET_TELEPORT = 2,
    WP_RESET_NEW = 3,
} wp_reset;
#define WP_RESET_COUNT 4
#define WP_RESET_TEXTS {"none", "cut", "teleport", "new"}

/* WorldOp */
typedef enum wp_world_op {
    WP_WORLD_OP_RESET = 0,
    WP_WORLD_OP_SNAPSHOT = 1,
    WP_WORLD_OP_RESTORE = 2,
    WP_WORLD_OP_FORK = 3,
} wp_world_op;
#define WP_WORLD_OP_COUNT 4
#define WP_WORLD_OP_TEXTS {"reset", "snapshot", "restore", "fork"}

/* RendererState */
typedef enum wp_renderer_state {
    WP_RENDERER_STATE_LOADING = 0,
    WP_RENDERER_STATE_READY = 1,
    WP_RENDERER_STATE_RUNNING = 2,
    WP_RENDERER_STATE_DEGRADED = 3,
} wp_renderer_state;
#define WP_RENDERER_STATE_COUNT 4
#define WP_RENDERER_STATE_TEXTS {"loading", "ready", "running", "degraded"}

/* What the memory of a hand-over is, and with it what orders its use. */
typedef enum wp_handle_kind {
    WP_HANDLE_KIND_VULKAN_FD = 1,
    WP_HANDLE_KIND_CUDA_FD = 2,
    WP_HANDLE_KIND_CUDA_IPC = 3,
    WP_HANDLE_KIND_D3D12_HEAP = 4,
    WP_HANDLE_KIND_D3D12_RESOURCE = 5,
} wp_handle_kind;
#define WP_HANDLE_KIND_COUNT 5

/* ControlType */
typedef enum wp_control_type {
    WP_CONTROL_TYPE_NUMBER = 0,
    WP_CONTROL_TYPE_INTEGER = 1,
    WP_CONTROL_TYPE_TOGGLE = 2,
    WP_CONTROL_TYPE_CHOICE = 3,
    WP_CONTROL_TYPE_TEXT = 4,
} wp_control_type;
#define WP_CONTROL_TYPE_COUNT 5
#define WP_CONTROL_TYPE_TEXTS {"number", "integer", "toggle", "choice", "text"}

/* Limits: the renderer's defaults; WELCOME says those in force. */
#define WP_LIMIT_MAX_MESSAGE_BYTES 1048576 /* bytes in the header part of one message */
#define WP_LIMIT_MAX_PARTS 16 /* parts in one message; the first is the header, the rest are planes */
#define WP_LIMIT_MAX_DEPTH 16 /* nesting of arrays and maps in a header */
#define WP_LIMIT_MAX_NODES 1024 /* maps and arrays in a header */
#define WP_LIMIT_MAX_OBJECTS 4096 /* rigid bodies, and contacts, in one frame */
#define WP_LIMIT_MAX_CONTROLS 64 /* controls in one message */
#define WP_LIMIT_MAX_TEXT 1024 /* characters in a prompt */
#define WP_LIMIT_MAX_SIDE_PX 8192 /* width or height of a plane in pixels */
#define WP_LIMIT_MAX_FRAME_BYTES 536870912 /* bytes of all planes of one frame */
#define WP_LIMIT_MAX_SHARED_BYTES 2147483648 /* bytes of shared memory a session may offer */
#define WP_LIMIT_MAX_SLOTS 8 /* slots in one ring */
#define WP_LIMIT_MAX_SESSIONS 8 /* engines at one renderer */
#define WP_LIMIT_MAX_OPERATORS 8 /* people's tools at one renderer */
#define WP_LIMIT_MAX_SNAPSHOTS 64 /* snapshots that are kept */
#define WP_LIMIT_MAX_SNAPSHOT_BYTES 17179869184 /* bytes of all snapshots that are kept */
#define WP_LIMIT_MAX_STREAMS 8 /* streams in one session */
#define WP_LIMIT_MAX_REQUESTS_PER_S 1000 /* messages per second in one session */

/* Error codes of REJECT, ERROR and PLANES_ACK. */
#define WP_ERROR_ERROR "error"
#define WP_ERROR_PROTOCOL "protocol"
#define WP_ERROR_REFUSED "refused"
#define WP_ERROR_TRANSPORT "transport"
#define WP_ERROR_DEVICE "device"
#define WP_ERROR_MODEL "model"
#define WP_ERROR_WORLD "world"
#define WP_ERROR_TAKE "take"
#define WP_ERROR_EXPORT "export"
#define WP_ERROR_MISSING_DEPENDENCY "missing_dependency"
#define WP_ERROR_CONFIG "config"
#define WP_ERROR_MALFORMED_MESSAGE "malformed_message"
#define WP_ERROR_UNKNOWN_TYPE "unknown_type"
#define WP_ERROR_LIMIT_EXCEEDED "limit_exceeded"
#define WP_ERROR_INVALID_VALUE "invalid_value"
#define WP_ERROR_OUT_OF_ORDER "out_of_order"
#define WP_ERROR_VERSION_MISMATCH "version_mismatch"
#define WP_ERROR_BAD_TOKEN "bad_token"
#define WP_ERROR_MISSING_PLANE "missing_plane"
#define WP_ERROR_NOT_SUPPORTED "not_supported"
#define WP_ERROR_UNKNOWN_SESSION "unknown_session"
#define WP_ERROR_SEVERAL_SESSIONS "several_sessions"
#define WP_ERROR_NOT_LOOPBACK "not_loopback"
#define WP_ERROR_ENDPOINT_IN_USE "endpoint_in_use"
#define WP_ERROR_NO_RENDERER "no_renderer"
#define WP_ERROR_RING_CORRUPT "ring_corrupt"
#define WP_ERROR_RING_FULL "ring_full"
#define WP_ERROR_CUDA_NOT_USABLE "cuda_not_usable"
#define WP_ERROR_DEVICE_MISMATCH "device_mismatch"
#define WP_ERROR_HANDLE_REFUSED "handle_refused"
#define WP_ERROR_DEVICE_TIMEOUT "device_timeout"
#define WP_ERROR_DEVICE_FAILED "device_failed"
#define WP_ERROR_MODEL_NOT_FOUND "model_not_found"
#define WP_ERROR_MODEL_INCOMPLETE "model_incomplete"
#define WP_ERROR_MANIFEST_INVALID "manifest_invalid"
#define WP_ERROR_MODEL_UNSAFE "model_unsafe"
#define WP_ERROR_MODEL_MISMATCH "model_mismatch"
#define WP_ERROR_MODEL_TOO_LARGE "model_too_large"
#define WP_ERROR_MODEL_NOT_FETCHED "model_not_fetched"
#define WP_ERROR_MODEL_FAILED "model_failed"
#define WP_ERROR_UNKNOWN_STREAM "unknown_stream"
#define WP_ERROR_SNAPSHOT_NOT_FOUND "snapshot_not_found"
#define WP_ERROR_SNAPSHOT_CORRUPT "snapshot_corrupt"
#define WP_ERROR_SNAPSHOT_MISMATCH "snapshot_mismatch"
#define WP_ERROR_SNAPSHOT_NOT_WRITTEN "snapshot_not_written"
#define WP_ERROR_WORLD_MEMORY_LOST "world_memory_lost"
#define WP_ERROR_TAKE_NOT_FOUND "take_not_found"
#define WP_ERROR_TAKE_EXISTS "take_exists"
#define WP_ERROR_TAKE_NOT_WRITTEN "take_not_written"
#define WP_ERROR_TAKE_CORRUPT "take_corrupt"
#define WP_ERROR_TAKE_VERSION "take_version"
#define WP_ERROR_TAKE_EMPTY "take_empty"
#define WP_ERROR_TAKE_MIXED "take_mixed"
#define WP_ERROR_EXPORT_NOT_WRITTEN "export_not_written"
#define WP_ERROR_EXPORT_MIXED "export_mixed"

typedef struct wp_ring_header {
    uint64_t magic; /* RING_MAGIC, written last when the header is complete */
    uint32_t abi_version; /* RING_ABI_VERSION */
    uint32_t header_bytes; /* RING_HEADER_BYTES */
    uint64_t segment_bytes; /* size of the whole segment */
    uint64_t generation; /* counts the session's rings, from 1 */
    uint64_t owner_pid; /* process that made the segment (the engine) */
    uint64_t owner_start; /* its start time in clock ticks since boot (/proc/PID/stat field 22); 0 where unknown */
    uint32_t slot_count; /* slots, 2..64 */
    uint32_t slot_header_bytes; /* RING_SLOT_HEADER_BYTES */
    uint64_t slot_bytes; /* payload bytes of a slot, a multiple of 64 */
    uint32_t plane_count; /* entries in the plane table, inputs first */
    uint32_t input_count; /* how many of them are inputs */
    uint8_t reserved_72[56];
    uint64_t beat; /* counted up by the renderer's render loop, at least every 100 ms while it is idle */
    uint64_t beat_ns; /* monotonic time of the last beat, nanoseconds */
    uint64_t reader_pid; /* process that mapped the segment (the renderer) */
    uint8_t reserved_152[3944];
} wp_ring_header;
WP_STATIC_ASSERT(sizeof(wp_ring_header) == 4096, "size of wp_ring_header");
WP_STATIC_ASSERT(offsetof(wp_ring_header, magic) == 0, "wp_ring_header.magic");
WP_STATIC_ASSERT(offsetof(wp_ring_header, abi_version) == 8, "wp_ring_header.abi_version");
WP_STATIC_ASSERT(offsetof(wp_ring_header, header_bytes) == 12, "wp_ring_header.header_bytes");
WP_STATIC_ASSERT(offsetof(wp_ring_header, segment_bytes) == 16, "wp_ring_header.segment_bytes");
WP_STATIC_ASSERT(offsetof(wp_ring_header, generation) == 24, "wp_ring_header.generation");
WP_STATIC_ASSERT(offsetof(wp_ring_header, owner_pid) == 32, "wp_ring_header.owner_pid");
WP_STATIC_ASSERT(offsetof(wp_ring_header, owner_start) == 40, "wp_ring_header.owner_start");
WP_STATIC_ASSERT(offsetof(wp_ring_header, slot_count) == 48, "wp_ring_header.slot_count");
WP_STATIC_ASSERT(offsetof(wp_ring_header, slot_header_bytes) == 52, "wp_ring_header.slot_header_bytes");
WP_STATIC_ASSERT(offsetof(wp_ring_header, slot_bytes) == 56, "wp_ring_header.slot_bytes");
WP_STATIC_ASSERT(offsetof(wp_ring_header, plane_count) == 64, "wp_ring_header.plane_count");
WP_STATIC_ASSERT(offsetof(wp_ring_header, input_count) == 68, "wp_ring_header.input_count");
WP_STATIC_ASSERT(offsetof(wp_ring_header, beat) == 128, "wp_ring_header.beat");
WP_STATIC_ASSERT(offsetof(wp_ring_header, beat_ns) == 136, "wp_ring_header.beat_ns");
WP_STATIC_ASSERT(offsetof(wp_ring_header, reader_pid) == 144, "wp_ring_header.reader_pid");

typedef struct wp_ring_plane {
    uint32_t name; /* index into PlaneName */
    uint32_t format; /* index into PixelFormat */
    uint32_t width; /* pixels */
    uint32_t height; /* pixels */
    uint32_t row_pitch_bytes; /* bytes from one row to the next */
    uint32_t reserved; /* 0 */
    uint64_t offset_bytes; /* from the start of the slot's payload */
} wp_ring_plane;
WP_STATIC_ASSERT(sizeof(wp_ring_plane) == 32, "size of wp_ring_plane");
WP_STATIC_ASSERT(offsetof(wp_ring_plane, name) == 0, "wp_ring_plane.name");
WP_STATIC_ASSERT(offsetof(wp_ring_plane, format) == 4, "wp_ring_plane.format");
WP_STATIC_ASSERT(offsetof(wp_ring_plane, width) == 8, "wp_ring_plane.width");
WP_STATIC_ASSERT(offsetof(wp_ring_plane, height) == 12, "wp_ring_plane.height");
WP_STATIC_ASSERT(offsetof(wp_ring_plane, row_pitch_bytes) == 16, "wp_ring_plane.row_pitch_bytes");
WP_STATIC_ASSERT(offsetof(wp_ring_plane, reserved) == 20, "wp_ring_plane.reserved");
WP_STATIC_ASSERT(offsetof(wp_ring_plane, offset_bytes) == 24, "wp_ring_plane.offset_bytes");

typedef struct wp_ring_slot {
    uint64_t input_sequence; /* odd while the engine writes the inputs, even when they are whole */
    uint64_t input_frame_id; /* frame whose inputs are in the slot */
    uint64_t plate_sequence; /* odd while the renderer writes the outputs, even when they are whole */
    uint64_t plate_frame_id; /* frame whose outputs are in the slot */
    uint8_t reserved_32[32];
} wp_ring_slot;
WP_STATIC_ASSERT(sizeof(wp_ring_slot) == 64, "size of wp_ring_slot");
WP_STATIC_ASSERT(offsetof(wp_ring_slot, input_sequence) == 0, "wp_ring_slot.input_sequence");
WP_STATIC_ASSERT(offsetof(wp_ring_slot, input_frame_id) == 8, "wp_ring_slot.input_frame_id");
WP_STATIC_ASSERT(offsetof(wp_ring_slot, plate_sequence) == 16, "wp_ring_slot.plate_sequence");
WP_STATIC_ASSERT(offsetof(wp_ring_slot, plate_frame_id) == 24, "wp_ring_slot.plate_frame_id");

typedef struct wp_handles {
    uint64_t magic; /* HANDLES_MAGIC */
    uint32_t abi_version; /* HANDLES_ABI_VERSION */
    uint32_t kind; /* a value of HandleKind */
    uint64_t session_high; /* first 16 hex digits of WELCOME's session */
    uint64_t session_low; /* the other 16 */
    uint64_t device_high; /* first 16 hex digits of HELLO's `device`: of a UUID, or a whole LUID */
    uint64_t device_low; /* the other 16; 0 with a LUID */
    uint64_t generation; /* counts the session's hand-overs, from 1 */
    uint64_t memory_bytes; /* size of the whole allocation */
    uint64_t slot_bytes; /* from one slot to the next, a multiple of 64 */
    uint32_t slot_count; /* slots, 2..max_slots */
    uint32_t dedicated; /* 1: the allocation was made for this one buffer */
    uint32_t semaphores; /* 2: semaphores `ready` and `done` follow; 1: a page of signals; 0: FRAME and RESULT say it */
    uint32_t plane_count; /* entries in the plane table, inputs first */
    uint32_t input_count; /* how many of them are inputs */
    uint8_t reserved_92[4];
    uint64_t token_0; /* of CUDA_IPC, bytes 0..7 of the handle; of D3D12, the NT handle of memory in the engine's process */
    uint64_t token_1; /* of CUDA_IPC, bytes 8..15 of the handle; of D3D12, the NT handle of `ready` in the engine's process */
    uint64_t token_2; /* of CUDA_IPC, bytes 16..23 of the handle; of D3D12, the NT handle of `done` in the engine's process */
    uint64_t token_3; /* of CUDA_IPC, bytes 24..31 of the handle */
    uint64_t token_4; /* of CUDA_IPC, bytes 32..39 of the handle */
    uint64_t token_5; /* of CUDA_IPC, bytes 40..47 of the handle */
    uint64_t token_6; /* of CUDA_IPC, bytes 48..55 of the handle */
    uint64_t token_7; /* of CUDA_IPC, bytes 56..63 of the handle */
    uint8_t reserved_160[864];
} wp_handles;
WP_STATIC_ASSERT(sizeof(wp_handles) == 1024, "size of wp_handles");
WP_STATIC_ASSERT(offsetof(wp_handles, magic) == 0, "wp_handles.magic");
WP_STATIC_ASSERT(offsetof(wp_handles, abi_version) == 8, "wp_handles.abi_version");
WP_STATIC_ASSERT(offsetof(wp_handles, kind) == 12, "wp_handles.kind");
WP_STATIC_ASSERT(offsetof(wp_handles, session_high) == 16, "wp_handles.session_high");
WP_STATIC_ASSERT(offsetof(wp_handles, session_low) == 24, "wp_handles.session_low");
WP_STATIC_ASSERT(offsetof(wp_handles, device_high) == 32, "wp_handles.device_high");
WP_STATIC_ASSERT(offsetof(wp_handles, device_low) == 40, "wp_handles.device_low");
WP_STATIC_ASSERT(offsetof(wp_handles, generation) == 48, "wp_handles.generation");
WP_STATIC_ASSERT(offsetof(wp_handles, memory_bytes) == 56, "wp_handles.memory_bytes");
WP_STATIC_ASSERT(offsetof(wp_handles, slot_bytes) == 64, "wp_handles.slot_bytes");
WP_STATIC_ASSERT(offsetof(wp_handles, slot_count) == 72, "wp_handles.slot_count");
WP_STATIC_ASSERT(offsetof(wp_handles, dedicated) == 76, "wp_handles.dedicated");
WP_STATIC_ASSERT(offsetof(wp_handles, semaphores) == 80, "wp_handles.semaphores");
WP_STATIC_ASSERT(offsetof(wp_handles, plane_count) == 84, "wp_handles.plane_count");
WP_STATIC_ASSERT(offsetof(wp_handles, input_count) == 88, "wp_handles.input_count");
WP_STATIC_ASSERT(offsetof(wp_handles, token_0) == 96, "wp_handles.token_0");
WP_STATIC_ASSERT(offsetof(wp_handles, token_1) == 104, "wp_handles.token_1");
WP_STATIC_ASSERT(offsetof(wp_handles, token_2) == 112, "wp_handles.token_2");
WP_STATIC_ASSERT(offsetof(wp_handles, token_3) == 120, "wp_handles.token_3");
WP_STATIC_ASSERT(offsetof(wp_handles, token_4) == 128, "wp_handles.token_4");
WP_STATIC_ASSERT(offsetof(wp_handles, token_5) == 136, "wp_handles.token_5");
WP_STATIC_ASSERT(offsetof(wp_handles, token_6) == 144, "wp_handles.token_6");
WP_STATIC_ASSERT(offsetof(wp_handles, token_7) == 152, "wp_handles.token_7");

/* Messages: the value of `type`, and the keys of each map. */

#define WP_HELLO "HELLO" /* Engine to renderer, first: who I am and what I can give. Answered by WELCOME or REJECT. */
#define WP_KEY_HELLO_PROTOCOL "protocol" /* u32; the newest protocol version the engine speaks */
#define WP_KEY_HELLO_PROTOCOL_OLDEST "protocol_oldest" /* u32; the oldest it speaks */
#define WP_KEY_HELLO_TOKEN "token" /* text 0..64; from the connection file; compared in constant time */
#define WP_KEY_HELLO_CLIENT "client" /* text 1..64; plugin or client name and version, for people */
#define WP_KEY_HELLO_ENGINE "engine" /* text 0..64; engine name and version, for people */
#define WP_KEY_HELLO_PID "pid" /* u63; process id of the engine */
#define WP_KEY_HELLO_WIDTH "width" /* u31; pixels of every plane, 1..max_side_px */
#define WP_KEY_HELLO_HEIGHT "height" /* u31; pixels of every plane, 1..max_side_px */
#define WP_KEY_HELLO_PLANES "planes" /* list of PlaneOffer 0..16; what the engine can give */
#define WP_KEY_HELLO_TRANSPORTS "transports" /* list of Transport 1..3; in the engine's order of preference */
#define WP_KEY_HELLO_SYNC "sync" /* SyncMode; when the engine shows what */
#define WP_KEY_HELLO_DELAY_FRAMES "delay_frames" /* int 0..8; n of `delayed`, frames */
#define WP_KEY_HELLO_LATE "late" /* LatePolicy; what it shows when a plate is late */
#define WP_KEY_HELLO_SEED "seed" /* u63; of the world; the same seed gives the same plates in `offline` */
#define WP_KEY_HELLO_DEVICE "device" /* text 0..32; of the planes' GPU: UUID, 32 hex digits, or LUID, 16; empty: no `cuda` transport */

#define WP_WELCOME "WELCOME" /* Renderer to engine: the session is open, and this is what was agreed. Once more in an open session: the model was changed; session, planes, transport and sync are as they were, and `models` is told anew. */
#define WP_KEY_WELCOME_PROTOCOL "protocol" /* u32; the version both will speak */
#define WP_KEY_WELCOME_SESSION "session" /* text like `^[0-9a-f]{32}$`; random name of the session; every later message carries it */
#define WP_KEY_WELCOME_MODEL "model" /* text 1..64; name of the world model that makes the plates */
#define WP_KEY_WELCOME_RUNTIME "runtime" /* text 1..64; what runs the network, 'torch cpu' or 'none' */
#define WP_KEY_WELCOME_PLANES "planes" /* list of PlaneLayout; planes the engine is to send, with format; offsets and pitches are the engine's to set */
#define WP_KEY_WELCOME_OUTPUTS "outputs" /* list of PlaneLayout; planes the renderer will return */
#define WP_KEY_WELCOME_TRANSPORT "transport" /* Transport; how the pixels will travel */
#define WP_KEY_WELCOME_TRANSPORT_REASON "transport_reason" /* text 0..1024; why a better transport was not possible; empty when the best was */
#define WP_KEY_WELCOME_SYNC "sync" /* SyncMode; as agreed */
#define WP_KEY_WELCOME_DELAY_FRAMES "delay_frames" /* int 0..8; n of `delayed`, frames */
#define WP_KEY_WELCOME_LATE "late" /* LatePolicy; as agreed */
#define WP_KEY_WELCOME_LIMITS "limits" /* Limits; those in force for this session */
#define WP_KEY_WELCOME_HEARTBEAT_MS "heartbeat_ms" /* int >= 1; milliseconds between heartbeats of the link */
#define WP_KEY_WELCOME_STALL_MS "stall_ms" /* int >= 1; milliseconds without a beat of the render loop after which it counts as stalled */
#define WP_KEY_WELCOME_CONTROLS "controls" /* list of Control; the model's controls */
#define WP_KEY_WELCOME_CHUNK_FRAMES "chunk_frames" /* int >= 1; frames the model makes at once; 1 for per-frame models */
#define WP_KEY_WELCOME_RESPONSE_WINDOW_MS "response_window_ms" /* float; milliseconds from state to plate that the model promises; 0 = unknown */
#define WP_KEY_WELCOME_LICENCE "licence" /* text 0..64; SPDX id of the model's weights */
#define WP_KEY_WELCOME_MODELS "models" /* list of text 1..64; what MODEL can change over to, in the order to show it, and the one that serves; empty: it stays the model */

#define WP_REJECT "REJECT" /* Renderer to engine: no session, and why. */
#define WP_KEY_REJECT_CODE "code" /* text 1..64; an error code of bridge/errors.py */
#define WP_KEY_REJECT_TEXT "text" /* text 0..1024; what is wrong, for a person */
#define WP_KEY_REJECT_FIX "fix" /* text 0..1024; what to do about it */

#define WP_PLANES "PLANES" /* Engine to renderer: here is a ring. A new generation replaces the one before. */
#define WP_KEY_PLANES_SESSION "session" /* text like `^[0-9a-f]{32}$`; from WELCOME */
#define WP_KEY_PLANES_GENERATION "generation" /* u63; counts the session's rings, from 1 */
#define WP_KEY_PLANES_SEGMENT "segment" /* text like `^worldplate-[0-9a-f]{32}$`; random name of the shared segment */
#define WP_KEY_PLANES_SEGMENT_BYTES "segment_bytes" /* u63; size of the segment, 1..max_shared_bytes */
#define WP_KEY_PLANES_SLOT_COUNT "slot_count" /* int 2..64; slots, 2..max_slots */
#define WP_KEY_PLANES_SLOT_BYTES "slot_bytes" /* u63; bytes of a slot's payload */
#define WP_KEY_PLANES_PLANES "planes" /* list of PlaneLayout 0..16; inputs, written by the engine */
#define WP_KEY_PLANES_OUTPUTS "outputs" /* list of PlaneLayout 0..16; outputs, written by the renderer */

#define WP_PLANES_ACK "PLANES_ACK" /* Renderer to engine: the ring is mapped, or why not. */
#define WP_KEY_PLANES_ACK_SESSION "session" /* text like `^[0-9a-f]{32}$`; from WELCOME */
#define WP_KEY_PLANES_ACK_GENERATION "generation" /* u63; of the ring that PLANES offered */
#define WP_KEY_PLANES_ACK_OK "ok" /* bool; true when the ring is mapped */
#define WP_KEY_PLANES_ACK_CODE "code" /* text 0..64; an error code when not ok */
#define WP_KEY_PLANES_ACK_TEXT "text" /* text 0..1024; what is wrong with the ring, for a person; empty when ok */

#define WP_FRAME "FRAME" /* Engine to renderer: one frame of engine state. Always answered by exactly one RESULT, or ERROR with its id. */
#define WP_KEY_FRAME_SESSION "session" /* text like `^[0-9a-f]{32}$`; from WELCOME */
#define WP_KEY_FRAME_ID "id" /* u63; strictly increasing within a stream, from 1 */
#define WP_KEY_FRAME_STREAM "stream" /* text 1..64; the viewpoint this frame belongs to */
#define WP_KEY_FRAME_GENERATION "generation" /* u63; of the ring; 0 when the planes are inline */
#define WP_KEY_FRAME_SLOT "slot" /* u32; of the ring, 0..slot_count-1; 0 when inline */
#define WP_KEY_FRAME_PLANES "planes" /* list of PlaneLayout 0..16; inline only: what each message part after the header holds */
#define WP_KEY_FRAME_CAPTURE_NS "capture_ns" /* u63; monotonic time of the engine state, nanoseconds */
#define WP_KEY_FRAME_DEADLINE_NS "deadline_ns" /* u63; when the plate must be back, same clock, nanoseconds; 0 = none */
#define WP_KEY_FRAME_TIMECODE "timecode" /* Timecode or null; of the house clock; null when there is none */
#define WP_KEY_FRAME_CAMERA "camera" /* Camera; the viewpoint that the planes were rendered from */
#define WP_KEY_FRAME_BODIES "bodies" /* Bodies; the rigid bodies of the physics, as in the planes */
#define WP_KEY_FRAME_CONTROLS "controls" /* map of text to bool or int or float or text; values set by the engine for this frame; they last until changed */
#define WP_KEY_FRAME_SEED "seed" /* u63; for this frame; equal inputs and seed give equal plates in `offline` */
#define WP_KEY_FRAME_RESET "reset" /* Reset; whether time broke between the frame before and this one */
#define WP_KEY_FRAME_READY_VALUE "ready_value" /* u63; `cuda` only: the planes are whole once the semaphore `ready` has this value; 0: they are whole now */

#define WP_RESULT "RESULT" /* Renderer to engine: what became of a frame. */
#define WP_KEY_RESULT_SESSION "session" /* text like `^[0-9a-f]{32}$`; from WELCOME */
#define WP_KEY_RESULT_ID "id" /* u63; the frame's id */
#define WP_KEY_RESULT_STREAM "stream" /* text 1..64; the frame's stream */
#define WP_KEY_RESULT_GENERATION "generation" /* u63; of the ring that holds the plate; 0 when it is inline */
#define WP_KEY_RESULT_SLOT "slot" /* u32; of the ring, echoed */
#define WP_KEY_RESULT_DISPOSITION "disposition" /* Disposition; what became of it */
#define WP_KEY_RESULT_REASON "reason" /* text 0..1024; why it is not `generated`; empty when it is */
#define WP_KEY_RESULT_CAMERA "camera" /* Camera or null; the camera that the plate was made for, echoed */
#define WP_KEY_RESULT_CAPTURE_NS "capture_ns" /* u63; echoed: monotonic time of the engine state, nanoseconds */
#define WP_KEY_RESULT_AGE_MS "age_ms" /* float; frame age when the plate was finished, milliseconds */
#define WP_KEY_RESULT_STAGES_MS "stages_ms" /* map of text to float; milliseconds per stage: ingest, recall, generate, blend, mark, ... */
#define WP_KEY_RESULT_OUTPUTS "outputs" /* list of PlaneLayout 0..16; inline only: what each part after the header holds */
#define WP_KEY_RESULT_HOST_BYTES_COPIED "host_bytes_copied" /* u63; bytes copied between host buffers for this frame; 0 = planes read in place, plate written in place */
#define WP_KEY_RESULT_MODEL "model" /* text 0..64; name of the world model that made the plate */
#define WP_KEY_RESULT_RUNTIME "runtime" /* text 0..64; what ran the network */
#define WP_KEY_RESULT_DONE_VALUE "done_value" /* u63; `cuda` only: the plate is whole once the semaphore `done` has this value; 0: it is whole now */

#define WP_RELEASE "RELEASE" /* Engine to renderer: this ring is gone, unmap it (viewport resize, end of play). */
#define WP_KEY_RELEASE_SESSION "session" /* text like `^[0-9a-f]{32}$`; from WELCOME */
#define WP_KEY_RELEASE_GENERATION "generation" /* u63; of the ring that is gone */

#define WP_CONTROL "CONTROL" /* Engine or operator to renderer: from frame `from_id` on, these controls and this ownership hold. */
#define WP_KEY_CONTROL_SESSION "session" /* text like `^[0-9a-f]{32}$`; from WELCOME */
#define WP_KEY_CONTROL_FROM_ID "from_id" /* u63; first frame it holds for; 0 = the next */
#define WP_KEY_CONTROL_VALUES "values" /* map of text to bool or int or float or text; name -> value, checked against the model's schema */
#define WP_KEY_CONTROL_ENGINE_OBJECTS "engine_objects" /* list of u32 0..4096 or null; object ids that stay the engine's; null = unchanged */
#define WP_KEY_CONTROL_ENGINE_LABELS "engine_labels" /* list of u8 0..256 or null; labels that stay the engine's; null = unchanged */
#define WP_KEY_CONTROL_PLATE_NEAR_M "plate_near_m" /* float or null; nearer than this stays the engine's, metres; null = unchanged */
#define WP_KEY_CONTROL_PLATE_FAR_M "plate_far_m" /* float or null; farther than this stays the engine's, metres; null = unchanged */

#define WP_WORLD "WORLD" /* Engine or operator to renderer: an operation on the session's world. Answered by STATUS or ERROR. */
#define WP_KEY_WORLD_SESSION "session" /* text like `^[0-9a-f]{32}$`; from WELCOME */
#define WP_KEY_WORLD_OP "op" /* WorldOp; what to do with the session's world */
#define WP_KEY_WORLD_NAME "name" /* text like `^[A-Za-z0-9_-]*\Z`; of a snapshot; never a path */
#define WP_KEY_WORLD_RESET "reset" /* Reset; of `reset`: how much is forgotten; `none` is refused */
#define WP_KEY_WORLD_STREAM "stream" /* text 0..64; the stream to reset, or to fork from; empty: all, or the only one */
#define WP_KEY_WORLD_TO_STREAM "to_stream" /* text 0..64; of `fork`: the stream that goes on from a copy */
#define WP_KEY_WORLD_NONCE "nonce" /* u63; any number; STATUS or ERROR that answers repeats it */

#define WP_CLOCK "CLOCK" /* Both ways: four time stamps give offset and round trip, as in NTP (RFC 5905 §8). */
#define WP_KEY_CLOCK_SESSION "session" /* text like `^[0-9a-f]{32}$`; from WELCOME */
#define WP_KEY_CLOCK_T1_NS "t1_ns" /* u63; engine sent, engine clock, nanoseconds */
#define WP_KEY_CLOCK_T2_NS "t2_ns" /* u63; renderer received, renderer clock, nanoseconds; 0 in the question */
#define WP_KEY_CLOCK_T3_NS "t3_ns" /* u63; renderer sent, renderer clock, nanoseconds; 0 in the question */

#define WP_STATUS "STATUS" /* Renderer to engine: how it is doing. */
#define WP_KEY_STATUS_SESSION "session" /* text like `^[0-9a-f]{32}$`; from WELCOME */
#define WP_KEY_STATUS_STATE "state" /* RendererState; `degraded`: it works, but `text` says what is wrong */
#define WP_KEY_STATUS_TEXT "text" /* text 0..1024; for a person: what is going on, and what to do if something is wrong */
#define WP_KEY_STATUS_MODEL "model" /* text 0..64; name of the world model */
#define WP_KEY_STATUS_RUNTIME "runtime" /* text 0..64; what runs the network */
#define WP_KEY_STATUS_PLATES_PER_S "plates_per_s" /* float; plates finished per second, over the last second */
#define WP_KEY_STATUS_FRAME_AGE_MS "frame_age_ms" /* map of text to float; p50, p95, p99 over the last 256 plates, milliseconds */
#define WP_KEY_STATUS_DISPOSITIONS "dispositions" /* map of text to int; frames by disposition since the session began */
#define WP_KEY_STATUS_NAME "name" /* text 0..64; `client` of the session's HELLO, for people */
#define WP_KEY_STATUS_NONCE "nonce" /* u63; of the WORLD, OPERATOR, RECORD or MODEL that this answers; 0: nobody asked */
#define WP_KEY_STATUS_TAKE "take" /* text 0..64; name of the take that the session is recorded into; empty: none */
#define WP_KEY_STATUS_TAKE_MISSED "take_missed" /* u63; frames that were shown and that the take lacks */
#define WP_KEY_STATUS_MEMORY "memory" /* map of text to int; of the world's long memory, since the session began: fused, missed (views), restarts (of its process), evicted, forgotten, left_out, blocks, bytes; empty without one */
#define WP_KEY_STATUS_GPU "gpu" /* map of text to int; of the GPU that serves, since the session began, whatever the transport: frames, host_to_device_bytes, device_to_host_bytes, allocations, cpu_waits; empty where none does */

#define WP_PING "PING" /* Either way; the peer answers with the same nonce. */
#define WP_KEY_PING_NONCE "nonce" /* u63; any number; the answer repeats it */
#define WP_KEY_PING_ANSWER "answer" /* bool; true in the answer, which is not answered again */

#define WP_BYE "BYE" /* Either way: the session is over. */
#define WP_KEY_BYE_SESSION "session" /* text like `^[0-9a-f]{32}$`; from WELCOME */
#define WP_KEY_BYE_REASON "reason" /* text 0..1024; why, for a person */

#define WP_ERROR "ERROR" /* Renderer to engine: a message could not be taken. The session goes on unless `fatal`. */
#define WP_KEY_ERROR_CODE "code" /* text 1..64; an error code of bridge/errors.py */
#define WP_KEY_ERROR_TEXT "text" /* text 0..1024; what is wrong: the value and the limit */
#define WP_KEY_ERROR_FIX "fix" /* text 0..1024; the setting to change, or the thing to do */
#define WP_KEY_ERROR_FRAME_ID "frame_id" /* u63; the frame it is about; 0 = none; a frame answered by ERROR counts as dropped */
#define WP_KEY_ERROR_STREAM "stream" /* text 0..64; the stream of that frame; empty when it is about none */
#define WP_KEY_ERROR_FATAL "fatal" /* bool; true when the session is over */
#define WP_KEY_ERROR_NONCE "nonce" /* u63; of the WORLD, RECORD or MODEL that this answers; 0 when it had none */

#define WP_OPERATOR "OPERATOR" /* A person's tool to renderer: let me steer the sessions of engines. Answered by one STATUS per session, then one of session 0 for the renderer itself; or by REJECT. */
#define WP_KEY_OPERATOR_PROTOCOL "protocol" /* u32; the newest protocol version the tool speaks */
#define WP_KEY_OPERATOR_PROTOCOL_OLDEST "protocol_oldest" /* u32; the oldest it speaks */
#define WP_KEY_OPERATOR_TOKEN "token" /* text 0..64; from the connection file; compared in constant time */
#define WP_KEY_OPERATOR_CLIENT "client" /* text 1..64; tool name and version, for people */
#define WP_KEY_OPERATOR_NONCE "nonce" /* u63; any number; each STATUS that answers repeats it */

#define WP_RECORD "RECORD" /* Engine or operator to renderer: start or stop recording the session. Answered by STATUS or ERROR. */
#define WP_KEY_RECORD_SESSION "session" /* text like `^[0-9a-f]{32}$`; from WELCOME */
#define WP_KEY_RECORD_ON "on" /* bool; true starts a take, false ends it */
#define WP_KEY_RECORD_NAME "name" /* text like `^[A-Za-z0-9_-]*\Z`; of the take, never a path; empty: date and time */
#define WP_KEY_RECORD_MARK "mark" /* bool; whether the take is signed beside its file when it ends; false is written down */
#define WP_KEY_RECORD_NONCE "nonce" /* u63; any number; STATUS or ERROR that answers repeats it */

#define WP_MODEL "MODEL" /* Engine or operator to renderer: change over to another model, for every session. It is loaded while the old one serves; then every session is sent WELCOME again, with the same planes and the new model's controls. Answered by STATUS once it serves, of session 0 to an operator; or by ERROR, and then the old one goes on. */
#define WP_KEY_MODEL_MODEL "model" /* text like `^[A-Za-z0-9_-]*\Z`; its name: built in, or of the renderer's models folder; never a path */
#define WP_KEY_MODEL_NONCE "nonce" /* u63; any number; STATUS or ERROR that answers repeats it */

/* PlaneLayout: One plane's place: in a ring's slot, or as the bytes of one message part (then `offset_bytes` is 0). */
#define WP_KEY_PLANE_LAYOUT_NAME "name" /* PlaneName; which plane */
#define WP_KEY_PLANE_LAYOUT_FORMAT "format" /* PixelFormat; one of those allowed for the plane */
#define WP_KEY_PLANE_LAYOUT_WIDTH "width" /* u31; pixels, 1..max_side_px */
#define WP_KEY_PLANE_LAYOUT_HEIGHT "height" /* u31; pixels, 1..max_side_px */
#define WP_KEY_PLANE_LAYOUT_ROW_PITCH_BYTES "row_pitch_bytes" /* u31; bytes from one row to the next, >= width * bytes per pixel */
#define WP_KEY_PLANE_LAYOUT_OFFSET_BYTES "offset_bytes" /* u63; bytes from the start of the slot's payload to the first row; a multiple of 64 */

/* PlaneOffer: A plane that the engine can give, in the formats it can give it. */
#define WP_KEY_PLANE_OFFER_NAME "name" /* PlaneName; which plane */
#define WP_KEY_PLANE_OFFER_FORMATS "formats" /* list of PixelFormat 1..8; in the engine's order of preference */

/* Control: One thing a person can turn on a model; editors build their panels from a list of these. */
#define WP_KEY_CONTROL_NAME "name" /* text 1..64; key in `controls` and `values` */
#define WP_KEY_CONTROL_TYPE "type" /* ControlType; what the editor shows: slider, check box, list, text field */
#define WP_KEY_CONTROL_TEXT "text" /* text 0..1024; what it does, for a person, in one sentence */
#define WP_KEY_CONTROL_DEFAULT "default" /* bool or int or float or text; until the engine sets it */
#define WP_KEY_CONTROL_UNIT "unit" /* text 0..16; 'deg', 'm', ...; empty when it has none */
#define WP_KEY_CONTROL_MINIMUM "minimum" /* float; for numbers, in `unit` */
#define WP_KEY_CONTROL_MAXIMUM "maximum" /* float; for numbers, in `unit`, >= minimum */
#define WP_KEY_CONTROL_STEP "step" /* float; for numbers, in `unit`: how far one click of a spinner goes */
#define WP_KEY_CONTROL_CHOICES "choices" /* list of text 1..64 0..64; for `choice`, in the order to show them */

/* Pose: A rigid transform to world space. */
#define WP_KEY_POSE_POSITION_M "position_m" /* 3 x float; world space, metres, +Y up */
#define WP_KEY_POSE_ORIENTATION "orientation" /* 4 x float; unit quaternion x,y,z,w; world_from_local */

/* Lens: What a real lens would read; 0 where unknown. */
#define WP_KEY_LENS_FOCAL_LENGTH_MM "focal_length_mm" /* float; millimetres, >= 0 */
#define WP_KEY_LENS_SENSOR_WIDTH_MM "sensor_width_mm" /* float; millimetres, >= 0 */
#define WP_KEY_LENS_F_NUMBER "f_number" /* float; f/ number, >= 0 */
#define WP_KEY_LENS_FOCUS_DISTANCE_M "focus_distance_m" /* float; metres, >= 0 */

/* Camera: The viewpoint that a frame was rendered from. */
#define WP_KEY_CAMERA_WORLD_FROM_CAMERA "world_from_camera" /* Pose; now; the camera looks down its own -Z, +Y up */
#define WP_KEY_CAMERA_PREVIOUS_WORLD_FROM_CAMERA "previous_world_from_camera" /* Pose; at the frame before; equals the pose now after a reset */
#define WP_KEY_CAMERA_PROJECTION "projection" /* 16 x float; clip_from_view, row-major, jitter removed, OpenGL style: z in -1..1 after division */
#define WP_KEY_CAMERA_JITTER_PX "jitter_px" /* 2 x float; sub-pixel jitter this frame was rendered with, pixels, x right, y down */
#define WP_KEY_CAMERA_NEAR_M "near_m" /* float; near plane, metres, > 0 */
#define WP_KEY_CAMERA_FAR_M "far_m" /* float; far plane, metres, > near; +inf is allowed */
#define WP_KEY_CAMERA_LENS "lens" /* Lens; what a real lens would read */

/* Bodies: The rigid bodies of a frame, n of them, as little-endian arrays. */
#define WP_KEY_BODIES_COUNT "count" /* u32; n, 0..max_objects */
#define WP_KEY_BODIES_IDS "ids" /* bin; uint32[n]: object ids as in the object plane, no id twice */
#define WP_KEY_BODIES_LABELS "labels" /* bin; uint8[n]: values of Label */
#define WP_KEY_BODIES_POSES "poses" /* bin; float64[n,7]: world_from_body position x,y,z in metres, quaternion x,y,z,w */
#define WP_KEY_BODIES_PREVIOUS_POSES "previous_poses" /* bin; float64[n,7]: the same at the frame before */
#define WP_KEY_BODIES_VELOCITIES "velocities" /* bin; float32[n,6]: linear m/s, angular rad/s, world space */
#define WP_KEY_BODIES_CONTACT_COUNT "contact_count" /* u32; m, 0..max_objects */
#define WP_KEY_BODIES_CONTACT_IDS "contact_ids" /* bin; uint32[m,2]: the two object ids that touch */
#define WP_KEY_BODIES_CONTACT_POINTS "contact_points" /* bin; float32[m,4]: world x,y,z in metres and normal force in newtons */

/* Timecode: SMPTE 12M timecode with its rational rate. */
#define WP_KEY_TIMECODE_HOURS "hours" /* int 0..23; of the time of day */
#define WP_KEY_TIMECODE_MINUTES "minutes" /* int 0..59; of the hour */
#define WP_KEY_TIMECODE_SECONDS "seconds" /* int 0..59; of the minute */
#define WP_KEY_TIMECODE_FRAMES "frames" /* int 0..119; of the second, below the rate rounded up */
#define WP_KEY_TIMECODE_DROP_FRAME "drop_frame" /* bool; numbers are left out so that 29.97 and 59.94 keep to the clock */
#define WP_KEY_TIMECODE_RATE_NUMERATOR "rate_numerator" /* int 1..240000; frames per second is numerator / denominator */
#define WP_KEY_TIMECODE_RATE_DENOMINATOR "rate_denominator" /* int 1..1001; 1, or 1001 for 23.976, 29.97 and 59.94 */

/* Limits: Hard limits. Each is a setting of the renderer under the same name, and each refusal names it. */
#define WP_KEY_LIMITS_MAX_MESSAGE_BYTES "max_message_bytes" /* int >= 1; bytes in the header part of one message */
#define WP_KEY_LIMITS_MAX_PARTS "max_parts" /* int >= 1; parts in one message; the first is the header, the rest are planes */
#define WP_KEY_LIMITS_MAX_DEPTH "max_depth" /* int >= 1; nesting of arrays and maps in a header */
#define WP_KEY_LIMITS_MAX_NODES "max_nodes" /* int >= 1; maps and arrays in a header */
#define WP_KEY_LIMITS_MAX_OBJECTS "max_objects" /* int >= 1; rigid bodies, and contacts, in one frame */
#define WP_KEY_LIMITS_MAX_CONTROLS "max_controls" /* int >= 1; controls in one message */
#define WP_KEY_LIMITS_MAX_TEXT "max_text" /* int >= 1; characters in a prompt */
#define WP_KEY_LIMITS_MAX_SIDE_PX "max_side_px" /* int >= 1; width or height of a plane in pixels */
#define WP_KEY_LIMITS_MAX_FRAME_BYTES "max_frame_bytes" /* int >= 1; bytes of all planes of one frame */
#define WP_KEY_LIMITS_MAX_SHARED_BYTES "max_shared_bytes" /* int >= 1; bytes of shared memory a session may offer */
#define WP_KEY_LIMITS_MAX_SLOTS "max_slots" /* int >= 1; slots in one ring */
#define WP_KEY_LIMITS_MAX_SESSIONS "max_sessions" /* int >= 1; engines at one renderer */
#define WP_KEY_LIMITS_MAX_OPERATORS "max_operators" /* int >= 1; people's tools at one renderer */
#define WP_KEY_LIMITS_MAX_SNAPSHOTS "max_snapshots" /* int >= 1; snapshots that are kept */
#define WP_KEY_LIMITS_MAX_SNAPSHOT_BYTES "max_snapshot_bytes" /* int >= 1; bytes of all snapshots that are kept */
#define WP_KEY_LIMITS_MAX_STREAMS "max_streams" /* int >= 1; streams in one session */
#define WP_KEY_LIMITS_MAX_REQUESTS_PER_S "max_requests_per_s" /* int >= 1; messages per second in one session */

#endif /* WORLDPLATE_SCHEMA_H */
