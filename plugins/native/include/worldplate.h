/*
    worldplate.h -- the engine's side of Worldplate, as a C ABI for every engine

    An engine that links this library shows the plates of a world model that runs in another process
    (`worldplate serve`) over its own picture. There is nothing to configure on one machine: the renderer is found by
    its connection file, attached to when it comes, and left when it dies.

    ONE TICK OF AN ENGINE

        wp_client_desc desc = wp_client_defaults();
        desc.width = 640; desc.height = 360;
        desc.planes = (wp_plane[]){ {WP_PLANE_NAME_COLOR, WP_PIXEL_FORMAT_RGBA16F}, ... };
        desc.plane_count = ...;
        wp_client client;
        if (wp_open(&desc, &client) != WP_OK) ...

        each tick:
            uint64_t id;
            wp_begin_frame(client, &frame, &id);            camera, bodies: the state that this tick shows
            if (wp_wants_pixels(client))
                wp_submit(client, id, pixels, bytes, 0, 0); now, or ticks later, when the read-back has come
            wp_picture picture;
            wp_present(client, &picture);                   what to show now
            ... draw the engine's own pixels of picture.target_id, and over them the plate of picture.plate_id ...

        wp_close(client);

    WHAT IS SHOWN

    `wp_present` names two frames. `target_id` is the frame whose engine pixels (colour, depth) are on the screen, and
    `plate_id` the one whose plate lies over them. Where both are equal the plate is exact (`generated`). Where the
    plate is of an older frame the engine carries it into the target's view (`reprojected`), with what
    `wp_reprojection` and `wp_body_motions` give: the plate never lags the camera. `plate_id` 0 is the engine's own
    picture (`passthrough`).

        sync        target                                   plate
        lockstep    this frame                               its own, when `wp_wait` saw it; else by the late policy
        delayed     the frame of `delay_frames` ticks ago    its own; when it is not there, by the late policy
        freerun     this frame                               the newest there is, by the late policy
        offline     as lockstep

        late        when the target's own plate is not there
        reproject   the newest plate since the last reset, carried to the target
        fade        the same, with `strength` going to 0 over WP_FADE_FRAMES frames after WP_PATIENCE_FRAMES
        hold        target and plate are the newest frame whose plate is there: a whole, older picture stays
        passthrough as hold while that picture is at most WP_PATIENCE_FRAMES old, then the engine's own

    A plate from before a reset (`frame.reset`) is never shown after it. Engines therefore keep the colour, depth and
    object ids of the last WP_HISTORY_FRAMES frames where `delayed`, `hold` or reprojection read them.

    THREADS

    Every function may be called from any thread. None waits, but `wp_wait` (which says so) and `wp_close` (at most
    WP_CLOSE_MS, to say goodbye): one worker thread per client owns the socket, the shared ring and all copies.
    Handles are numbers; a handle of a closed client is refused with WP_NO_CLIENT and never touches memory.

    MEMORY

    What goes in is copied before the call returns, but for the pixels of `wp_submit`: those must stay as they are
    until `release` is called, exactly once, on the worker thread. What comes out is copied into the caller's struct,
    but for `picture.plate`, which is read in place: it is good until the next `wp_present`, `wp_resize` or `wp_close`
    of this client, and `wp_plate_whole` says afterwards whether the renderer has overwritten it meanwhile.

    UNITS AND SPACES

    Canonical, as in PROTOCOL.md: right-handed, +Y up, the camera looks down its own -Z, metres, quaternions x,y,z,w,
    matrices row-major acting on column vectors, `target_from_source` names, images top row first, uv with v down,
    nanoseconds of the monotonic clock (`wp_now_ns`).
*/
#ifndef WORLDPLATE_H
#define WORLDPLATE_H

#include <stddef.h>
#include <stdint.h>

#include "worldplate_schema.h"

#if defined(_WIN32) && defined(WORLDPLATE_SHARED)
#ifdef WORLDPLATE_BUILDING
#define WP_API __declspec(dllexport)
#else
#define WP_API __declspec(dllimport)
#endif
#elif defined(__GNUC__)
#define WP_API __attribute__((visibility("default")))
#else
#define WP_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define WP_ABI_VERSION 1      /* of this header; wp_client_defaults() writes it, wp_open() checks it */
#define WP_HISTORY_FRAMES 64  /* frames whose camera and bodies a client remembers */
#define WP_PATIENCE_FRAMES 2  /* how far a picture may fall behind before `fade` and `passthrough` step in */
#define WP_FADE_FRAMES 8      /* late frames until `fade` shows the engine's own picture */
#define WP_CLOSE_MS 200       /* wp_close() waits for its last message this long at most */
#define WP_NAME_BYTES 65      /* a name of the protocol and its end */
#define WP_TEXT_BYTES 1025    /* a text of the protocol, cut when it is longer, and its end */
#define WP_MAX_STAGES 16      /* stage times that are kept of a plate */

/* Every code a function returns, and what it means. */
#define WP_CODES(X)                                                                                             \
    X(OK, "done")                                                                                               \
    X(NO_CLIENT, "this handle is of no open client: open one with wp_open")                                     \
    X(BAD_ARGUMENT, "an argument is out of its range: wp_last_error says which, its value and its limit")       \
    X(BAD_ABI, "the header and the library differ: build with the worldplate.h of this library")                \
    X(NO_RENDERER, "no renderer is attached: start one with `worldplate serve`")                                \
    X(NO_FRAME, "no such frame is remembered: use the id of one of the last WP_HISTORY_FRAMES wp_begin_frame")  \
    X(NO_SLOT, "no slot is free: the frame is not sent; raise `slot_count`, or ask wp_wants_pixels first")      \
    X(NO_CONTROL, "the model has no control of this name: wp_control lists them")                               \
    X(TIMEOUT, "the time is over and the plate is not there")                                                   \
    X(NOT_SUPPORTED, "this is not supported here: wp_last_error says what to use")                              \
    X(NO_MEMORY, "there is not enough memory: use a smaller picture or fewer slots")                            \
    X(NO_RESOURCES, "the system gives no more threads, sockets or files: close some, or raise its limits")      \
    X(INTERNAL, "a fault inside the library: wp_last_error has what is known; please report it")                \
    X(NO_MODEL, "the renderer lists no more models than those before: wp_model_at counts from 0")

typedef enum wp_code {
#define WP_X(name, text) WP_##name,
    WP_CODES(WP_X)
#undef WP_X
} wp_code;

/* What a code means and what to do about it. Never NULL. */
WP_API const char* wp_code_text(wp_code code);

/* Why the last call of this thread returned something else than WP_OK: the value, the limit, the setting to change.
   Good until this thread's next call. Never NULL. */
WP_API const char* wp_last_error(void);

/* A client: one viewport of an engine. 0 is none. */
typedef struct wp_client {
    uint32_t id;
} wp_client;

/* A plane that the engine can give, and its format. */
typedef struct wp_plane {
    wp_plane_name name;
    wp_pixel_format format; /* one of those that PROTOCOL.md allows for the plane */
} wp_plane;

/* A plate has come, before a present can show it: for an engine that takes it elsewhere, such as to its GPU, off its own
   thread. Called on the worker thread; `pixels` (RGBA16F, straight alpha = matte) are good during the call. It must not
   throw, and may call the client, but for wp_close. */
typedef void (*wp_plate_arrived)(void* user, uint64_t id, const void* pixels, uint32_t width, uint32_t height,
                                 uint32_t row_pitch_bytes);

typedef struct wp_client_desc {
    uint32_t abi_version;        /* WP_ABI_VERSION */
    uint32_t width, height;      /* pixels of every plane, 1..max_side_px; required */
    const wp_plane* planes;      /* what the engine can give, in the order of its pixels; `color` is required */
    uint32_t plane_count;        /* 1..WP_RING_MAX_PLANES; required */
    wp_sync_mode sync;           /* WP_SYNC_MODE_FREERUN; GENLOCKED is refused */
    uint32_t delay_frames;       /* 1; n of `delayed`, 0..8 */
    wp_late_policy late;         /* WP_LATE_POLICY_REPROJECT */
    uint64_t seed;               /* 0; of the world */
    uint32_t slot_count;         /* 5; of the ring, 3..max_slots: one shown, one in the renderer, one waiting, one
                                    that is written, one late */
    uint32_t frames_in_flight;   /* 2; unanswered frames after which wp_wants_pixels says no, 1..slot_count - 1 */
    double frame_period_ms;      /* 1000 / 60; for the deadlines of `lockstep` and `delayed` */
    const char* name;            /* "worldplate native client"; plugin name and version, for people, 1..64 bytes */
    const char* engine;          /* ""; engine name and version, for people, 0..64 bytes */
    const char* connection_file; /* NULL: the user's */
    uint8_t inline_only;         /* 0; 1: planes travel inside messages also where a shared ring is possible */
    wp_plate_arrived plate_arrived; /* NULL */
    void* plate_user;            /* NULL; for plate_arrived */
} wp_client_desc;

/* The defaults that stand beside the fields. */
WP_API wp_client_desc wp_client_defaults(void);

/* Starts a client and its worker thread. The renderer need not be there yet. */
WP_API wp_code wp_open(const wp_client_desc* desc, wp_client* client);

/* Ends it. All pixels are released and all its pointers are invalid when this returns; a wp_wait on another thread
   returns with WP_NO_CLIENT. Not from within a `release`. */
WP_API wp_code wp_close(wp_client client);

/* Planes of another size from the next wp_begin_frame on, which is then a cut. Pixels of older frames are released. */
WP_API wp_code wp_resize(wp_client client, uint32_t width, uint32_t height);

/* The monotonic clock of `capture_ns`, nanoseconds. */
WP_API uint64_t wp_now_ns(void);

/* ---- a frame of engine state ---------------------------------------------------------------------------------- */

typedef struct wp_pose {
    double position_m[3];  /* world space, metres */
    double orientation[4]; /* unit quaternion x,y,z,w; world_from_local */
} wp_pose;

typedef struct wp_camera {
    wp_pose world_from_camera;
    wp_pose previous_world_from_camera; /* at the frame before; equals the pose now after a reset */
    double projection[16];              /* clip_from_view, row-major, jitter removed, OpenGL style: z in -1..1 */
    double jitter_px[2];                /* pixels, x right, y down */
    double near_m, far_m;               /* metres; far may be infinite */
    double focal_length_mm, sensor_width_mm, f_number, focus_distance_m; /* of a real lens; 0 where unknown */
} wp_camera;

typedef struct wp_body {
    uint32_t id;   /* as in the object plane; no id twice in a frame */
    uint8_t label; /* a wp_label */
    wp_pose world_from_body, previous_world_from_body;
    float velocity_m_s[3], angular_velocity_rad_s[3]; /* world space */
} wp_body;

typedef struct wp_contact {
    uint32_t ids[2];      /* of the objects that touch */
    float point_m[3];     /* world space */
    float normal_force_n; /* newtons, >= 0 */
} wp_contact;

typedef struct wp_timecode {
    uint8_t hours, minutes, seconds, frames;
    uint8_t drop_frame;
    uint32_t rate_numerator, rate_denominator; /* frames per second is numerator / denominator */
} wp_timecode;

typedef struct wp_frame {
    uint64_t capture_ns; /* when this state was; 0: now */
    wp_camera camera;
    const wp_body* bodies;
    uint32_t body_count; /* 0..max_objects */
    const wp_contact* contacts;
    uint32_t contact_count; /* 0..max_objects */
    wp_reset reset;         /* whether time broke between the frame before and this one */
    uint64_t seed;          /* for this frame */
    const wp_timecode* timecode; /* NULL: none */
} wp_frame;

/* The state of this tick. `id` counts up from 1. */
WP_API wp_code wp_begin_frame(wp_client client, const wp_frame* frame, uint64_t* id);

/* Whether this tick's pixels are of use: 1 when a renderer is attached and fewer than `frames_in_flight` frames are
   unanswered. Frames whose pixels are not submitted are shown by the late policy. */
WP_API int wp_wants_pixels(wp_client client);

/* Where a plane lies in the pixels of wp_submit. */
typedef struct wp_plane_place {
    wp_plane_name name;
    wp_pixel_format format;
    uint32_t row_pitch_bytes; /* width * bytes of a pixel: rows are tight */
    uint64_t offset_bytes;    /* a multiple of 64 */
} wp_plane_place;

/* The layout of a frame's pixels: the planes of the desc in its order, each at the next multiple of 64 bytes. `places`
   has room for `plane_count` of them. */
WP_API wp_code wp_layout(wp_client client, wp_plane_place* places, uint64_t* bytes);

typedef void (*wp_release)(void* user);

/* The pixels of a frame, in the layout of wp_layout. The worker copies what the model wants into the ring and calls
   `release` (may be NULL) once it no longer reads them, also when this returns an error; with WP_NO_CLIENT there is no
   worker, and it is called before this returns. */
WP_API wp_code wp_submit(wp_client client, uint64_t id, const void* pixels, uint64_t bytes, wp_release release, void* user);
/* The same for engines whose code no other thread may call: `*released` becomes 1 instead, atomically; at wp_close at
   the latest. It must stay writable until then. */
WP_API wp_code wp_submit_marked(wp_client client, uint64_t id, const void* pixels, uint64_t bytes, uint32_t* released);

/* Where to write a frame's pixels so that nobody copies them: the address of each plane of the desc in a slot of the
   ring, rows tight, NULL for planes that the model does not want. Write them all, then wp_submit_slot. The addresses
   are good until then, or until the next wp_begin_frame: should the renderer be gone, they lead to memory that is kept
   for it. `planes` has room for `plane_count` addresses. */
WP_API wp_code wp_slot(wp_client client, uint64_t id, void** planes);
WP_API wp_code wp_submit_slot(wp_client client, uint64_t id);

/* Waits until the plate of this frame is there or will not come, `timeout_ms` at most. The only call that waits: for
   `lockstep` and `offline`. WP_OK when wp_present will show it; WP_TIMEOUT, WP_NO_RENDERER; WP_NO_CLIENT when the
   client is closed meanwhile. */
WP_API wp_code wp_wait(wp_client client, uint64_t id, double timeout_ms);

/* ---- what to show --------------------------------------------------------------------------------------------- */

typedef struct wp_picture {
    uint64_t target_id; /* whose engine pixels; 0: nothing new, what is on the screen stays */
    uint64_t plate_id;  /* whose plate lies over them; 0: none */
    wp_disposition disposition; /* of the target frame, from now on in the books */
    float strength;             /* to multiply the matte with, 0..1 */
    const void* plate;          /* RGBA16F, straight alpha = matte; NULL when plate_id is 0 */
    uint32_t width, height, row_pitch_bytes; /* of the plate */
    double age_ms;       /* frame age: from the oldest engine state in the picture to this call */
    double state_age_ms; /* the same, of the target's own state */
    char reason[WP_TEXT_BYTES]; /* why it is not `generated`; empty when it is */
} wp_picture;

/* What to show at this tick: call it once after wp_begin_frame. */
WP_API wp_code wp_present(wp_client client, wp_picture* picture);

/* 1 while the plate of the last wp_present has not been overwritten: ask after reading it. When it is 0 the target is
   in the books as `passthrough`: show the engine's own picture. */
WP_API int wp_plate_whole(wp_client client);

/* How points are carried from the target's view into the view of the plate's frame (the source). Matrices are
   row-major and act on column vectors; computed in float64, so they are exact near and far from the world's origin. */
typedef struct wp_reprojection_data {
    float source_view_from_target_view[16]; /* for what does not move */
    float source_projection[16];            /* clip_from_view, as in wp_camera */
    float target_projection[16];
    float source_jitter_px[2], target_jitter_px[2];
} wp_reprojection_data;

/* For a body: the same matrix with its own motion in it. */
typedef struct wp_body_motion {
    uint32_t id;
    uint32_t known; /* 0: the body was not there in the source: nothing can be carried, show the engine's pixel */
    float source_view_from_target_view[16];
} wp_body_motion;

WP_API wp_code wp_reprojection(wp_client client, uint64_t target_id, uint64_t source_id, wp_reprojection_data* data);

/* Bodies of the target, by ascending id. `count` goes in as the room of `motions` and comes out as the number of
   bodies; more than there was room for is WP_BAD_ARGUMENT. */
WP_API wp_code wp_body_motions(
    wp_client client, uint64_t target_id, uint64_t source_id, wp_body_motion* motions, uint32_t* count);

/* ---- steering ------------------------------------------------------------------------------------------------- */

typedef struct wp_control {
    char name[WP_NAME_BYTES];
    wp_control_type type;
    char text[WP_TEXT_BYTES]; /* what it does, for a person */
    char unit[WP_NAME_BYTES];
    double minimum, maximum, step;         /* for numbers */
    double default_number;                 /* numbers and integers; toggles: 0 or 1 */
    char default_text[WP_TEXT_BYTES];      /* choices and texts */
    uint32_t choice_count;                 /* for choices */
    char choices[WP_RING_MAX_PLANES * 4][WP_NAME_BYTES]; /* in the order to show them, 64 at most */
} wp_control;

/* The model's controls; they are those of the last session while none is open. Another model may take over in the middle
   of a session, where no frame is lost: then `model` of wp_status and the controls are its own. `index` counts from 0;
   WP_NO_CONTROL after the last one. */
WP_API wp_code wp_control_at(wp_client client, uint32_t index, wp_control* control);

/* From the next frame on, at this renderer and at every one to come. Values are checked against the model's schema when
   it is known; WP_BAD_ARGUMENT names value and range. */
WP_API wp_code wp_set_number(wp_client client, const char* name, double value); /* numbers, integers, toggles */
WP_API wp_code wp_set_text(wp_client client, const char* name, const char* value); /* choices, texts */

/* What stays the engine's: objects, labels (wp_label), and what is nearer or farther than this (metres; 0 and infinity
   own nothing). Each call replaces what was set before. */
WP_API wp_code wp_set_engine_objects(wp_client client, const uint32_t* ids, uint32_t count);
WP_API wp_code wp_set_engine_labels(wp_client client, const uint8_t* labels, uint32_t count);
WP_API wp_code wp_set_plate_range(wp_client client, double near_m, double far_m);

/* The renderer forgets the world, and the next frame is a cut. */
WP_API wp_code wp_reset_world(wp_client client);

/* ---- another model -------------------------------------------------------------------------------------------- */

/* The models that the renderer can change over to, in the order to show them, and the one that serves; none where it keeps
   its model. They are those of the last session while none is open, and listed anew when `session_count` or `model` of
   wp_status change. `index` counts from 0; WP_NO_MODEL after the last one. */
WP_API wp_code wp_model_at(wp_client client, uint32_t index, char name[WP_NAME_BYTES]);

/* Asks for another model, for every engine of the renderer. Frames go on with the old one until the new one is loaded and
   warm. WP_BAD_ARGUMENT for what is no name of a model (1..64 of letters, digits, - and _), WP_NO_RENDERER while none is
   attached, WP_NOT_SUPPORTED while one that was asked for is being loaded. */
WP_API wp_code wp_use_model(wp_client client, const char* name);

typedef enum wp_model_progress {
    WP_MODEL_UNASKED, /* no model was asked for */
    WP_MODEL_LOADING, /* the old one serves meanwhile */
    WP_MODEL_SERVES,  /* `model` of wp_status and the controls are its own, until somebody asks for another */
    WP_MODEL_REFUSED, /* the old one serves on */
} wp_model_progress;

/* What became of the last wp_use_model. */
typedef struct wp_model_change {
    wp_model_progress progress;
    char name[WP_NAME_BYTES]; /* that was asked for */
    char error_code[WP_NAME_BYTES], error_text[WP_TEXT_BYTES], error_fix[WP_TEXT_BYTES]; /* when refused; else empty */
} wp_model_change;

WP_API wp_code wp_get_model_change(wp_client client, wp_model_change* change);

/* ---- how it is doing ------------------------------------------------------------------------------------------ */

typedef enum wp_link_state {
    WP_LINK_SEARCHING,  /* for a connection file with a live renderer */
    WP_LINK_CONNECTING,
    WP_LINK_GREETING,   /* HELLO is on its way */
    WP_LINK_OPENING,    /* the ring is being made, or PLANES is on its way */
    WP_LINK_ATTACHED,
    WP_LINK_STALLED,    /* attached, and the render loop does not move */
    WP_LINK_REFUSED,    /* until another renderer is there: `error_*` say why */
} wp_link_state;

typedef struct wp_stage {
    char name[WP_NAME_BYTES];
    double ms;
} wp_stage;

typedef struct wp_status {
    wp_link_state state;
    uint32_t session_count;      /* opened so far: the controls may have changed when it or `model` has */
    uint64_t renderer_pid;       /* 0: none */
    wp_transport transport;
    char transport_reason[WP_TEXT_BYTES]; /* why no better one was possible; empty when the best was */
    char model[WP_NAME_BYTES], runtime[WP_NAME_BYTES], licence[WP_NAME_BYTES];
    wp_renderer_state renderer_state;
    char renderer_text[WP_TEXT_BYTES]; /* what the renderer says of itself, for a person */
    char error_code[WP_NAME_BYTES], error_text[WP_TEXT_BYTES], error_fix[WP_TEXT_BYTES]; /* the last error; empty */
    uint32_t wanted_planes;      /* bit 1 << wp_plane_name: those that the model reads */
    uint64_t begun, submitted, answered; /* frames */
    uint64_t dispositions[WP_DISPOSITION_COUNT];
    uint64_t repeated;           /* ticks at which nothing new was shown */
    double plates_per_s;         /* over the last second, counted here */
    double age_p50_ms, age_p95_ms, age_p99_ms; /* frame age over the last 256 pictures with a plate */
    double round_trip_ms;        /* of the last plate: from wp_submit to its RESULT */
    uint64_t host_bytes_copied;  /* by this library between host buffers of pixels, for the last frame */
    uint64_t renderer_bytes_copied; /* by the renderer, for the last plate */
    wp_stage stages[WP_MAX_STAGES]; /* of the last plate, as the renderer told them */
    uint32_t stage_count;
} wp_status;

WP_API wp_code wp_get_status(wp_client client, wp_status* status);

/* The next line of the log, oldest first, for the engine's own console: attached, detached, refused, and why. WP_NO_FRAME
   is never returned; 0 bytes in `line` mean that there is none. `level`: 0 information, 1 warning, 2 error. */
WP_API wp_code wp_next_log(wp_client client, char line[WP_TEXT_BYTES], int* level);

#ifdef __cplusplus
}
#endif

#endif /* WORLDPLATE_H */
