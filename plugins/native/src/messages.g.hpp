/* Written by `python -m bridge.codegen` from bridge/schema. Do not edit. */
#pragma once

#include "fields.hpp"
#include "worldplate_schema.h"

namespace worldplate {

struct PlaneLayout {
    wp_plane_name name = WP_PLANE_NAME_COLOR;
    wp_pixel_format format = WP_PIXEL_FORMAT_RGBA16F;
    int64_t width{};
    int64_t height{};
    int64_t row_pitch_bytes{};
    int64_t offset_bytes = 0;
};

struct PlaneOffer {
    wp_plane_name name = WP_PLANE_NAME_COLOR;
    std::vector<wp_pixel_format> formats{};
};

struct Control {
    std::string name{};
    wp_control_type type = WP_CONTROL_TYPE_NUMBER;
    std::string text{};
    ControlValue default_{};
    std::string unit{};
    double minimum = 0.0;
    double maximum = 1.0;
    double step = 0.01;
    std::vector<std::string> choices{};
};

struct Pose {
    std::array<double, 3> position_m = {0.0, 0.0, 0.0};
    std::array<double, 4> orientation = {0.0, 0.0, 0.0, 1.0};
};

struct Lens {
    double focal_length_mm = 0.0;
    double sensor_width_mm = 0.0;
    double f_number = 0.0;
    double focus_distance_m = 0.0;
};

struct Camera {
    Pose world_from_camera{};
    Pose previous_world_from_camera{};
    std::array<double, 16> projection{};
    std::array<double, 2> jitter_px = {0.0, 0.0};
    double near_m = 0.1;
    double far_m = 1000.0;
    Lens lens{};
};

struct Bodies {
    int64_t count = 0;
    Blob ids{};
    Blob labels{};
    Blob poses{};
    Blob previous_poses{};
    Blob velocities{};
    int64_t contact_count = 0;
    Blob contact_ids{};
    Blob contact_points{};
};

struct Timecode {
    int64_t hours = 0;
    int64_t minutes = 0;
    int64_t seconds = 0;
    int64_t frames = 0;
    bool drop_frame = false;
    int64_t rate_numerator = 24;
    int64_t rate_denominator = 1;
};

struct Limits {
    int64_t max_message_bytes = 1048576;
    int64_t max_parts = 16;
    int64_t max_depth = 16;
    int64_t max_nodes = 1024;
    int64_t max_objects = 4096;
    int64_t max_controls = 64;
    int64_t max_text = 1024;
    int64_t max_side_px = 8192;
    int64_t max_frame_bytes = 536870912;
    int64_t max_shared_bytes = 2147483648;
    int64_t max_slots = 8;
    int64_t max_sessions = 8;
    int64_t max_operators = 8;
    int64_t max_snapshots = 64;
    int64_t max_snapshot_bytes = 17179869184;
    int64_t max_streams = 8;
    int64_t max_requests_per_s = 1000;
};

struct Hello {
    int64_t protocol = 1;
    int64_t protocol_oldest = 1;
    std::string token{};
    std::string client{};
    std::string engine{};
    int64_t pid = 0;
    int64_t width{};
    int64_t height{};
    std::vector<PlaneOffer> planes{};
    std::vector<wp_transport> transports{};
    wp_sync_mode sync = WP_SYNC_MODE_FREERUN;
    int64_t delay_frames = 1;
    wp_late_policy late = WP_LATE_POLICY_REPROJECT;
    int64_t seed = 0;
    std::string device{};
};

struct Welcome {
    int64_t protocol = 1;
    std::string session{};
    std::string model{};
    std::string runtime{};
    std::vector<PlaneLayout> planes{};
    std::vector<PlaneLayout> outputs{};
    wp_transport transport = WP_TRANSPORT_CUDA;
    std::string transport_reason{};
    wp_sync_mode sync = WP_SYNC_MODE_FREERUN;
    int64_t delay_frames = 1;
    wp_late_policy late = WP_LATE_POLICY_REPROJECT;
    Limits limits{};
    int64_t heartbeat_ms = 100;
    int64_t stall_ms = 500;
    std::vector<Control> controls{};
    int64_t chunk_frames = 1;
    double response_window_ms = 0.0;
    std::string licence{};
    std::vector<std::string> models{};
};

struct Reject {
    std::string code{};
    std::string text{};
    std::string fix{};
};

struct Planes {
    std::string session{};
    int64_t generation{};
    std::string segment{};
    int64_t segment_bytes{};
    int64_t slot_count{};
    int64_t slot_bytes{};
    std::vector<PlaneLayout> planes{};
    std::vector<PlaneLayout> outputs{};
};

struct PlanesAck {
    std::string session{};
    int64_t generation{};
    bool ok{};
    std::string code{};
    std::string text{};
};

struct Frame {
    std::string session{};
    int64_t id{};
    std::string stream = "main";
    int64_t generation = 0;
    int64_t slot = 0;
    std::vector<PlaneLayout> planes{};
    int64_t capture_ns{};
    int64_t deadline_ns = 0;
    std::optional<Timecode> timecode{};
    Camera camera{};
    Bodies bodies{};
    Map<ControlValue> controls{};
    int64_t seed = 0;
    wp_reset reset = WP_RESET_NONE;
    int64_t ready_value = 0;
};

struct Result {
    std::string session{};
    int64_t id{};
    std::string stream = "main";
    int64_t generation = 0;
    int64_t slot = 0;
    wp_disposition disposition = WP_DISPOSITION_GENERATED;
    std::string reason{};
    std::optional<Camera> camera{};
    int64_t capture_ns = 0;
    double age_ms = 0.0;
    Map<double> stages_ms{};
    std::vector<PlaneLayout> outputs{};
    int64_t host_bytes_copied = 0;
    std::string model{};
    std::string runtime{};
    int64_t done_value = 0;
};

struct Release {
    std::string session{};
    int64_t generation{};
};

struct SetControls {
    std::string session{};
    int64_t from_id = 0;
    Map<ControlValue> values{};
    std::optional<std::vector<int64_t>> engine_objects{};
    std::optional<std::vector<int64_t>> engine_labels{};
    std::optional<double> plate_near_m{};
    std::optional<double> plate_far_m{};
};

struct World {
    std::string session{};
    wp_world_op op = WP_WORLD_OP_RESET;
    std::string name{};
    wp_reset reset = WP_RESET_NEW;
    std::string stream{};
    std::string to_stream{};
    int64_t nonce = 0;
};

struct Clock {
    std::string session{};
    int64_t t1_ns{};
    int64_t t2_ns = 0;
    int64_t t3_ns = 0;
};

struct Status {
    std::string session{};
    wp_renderer_state state = WP_RENDERER_STATE_LOADING;
    std::string text{};
    std::string model{};
    std::string runtime{};
    double plates_per_s = 0.0;
    Map<double> frame_age_ms{};
    Map<int64_t> dispositions{};
    std::string name{};
    int64_t nonce = 0;
    std::string take{};
    int64_t take_missed = 0;
    Map<int64_t> memory{};
    Map<int64_t> gpu{};
};

struct Ping {
    int64_t nonce{};
    bool answer = false;
};

struct Bye {
    std::string session{};
    std::string reason{};
};

struct Error {
    std::string code{};
    std::string text{};
    std::string fix{};
    int64_t frame_id = 0;
    std::string stream{};
    bool fatal = false;
    int64_t nonce = 0;
};

struct OperatorHello {
    int64_t protocol = 1;
    int64_t protocol_oldest = 1;
    std::string token{};
    std::string client{};
    int64_t nonce = 0;
};

struct Record {
    std::string session{};
    bool on{};
    std::string name{};
    bool mark = true;
    int64_t nonce = 0;
};

struct UseModel {
    std::string model{};
    int64_t nonce = 0;
};

using Message =
    std::variant<Hello, Welcome, Reject, Planes, PlanesAck, Frame, Result, Release, SetControls, World, Clock,
    Status, Ping, Bye, Error, OperatorHello, Record, UseModel>;

/* The value of a message's `type`. */
const char* type_of(const Message& message);

/* The struct that a `type` names, with its defaults; empty for a type that is not known. */
std::optional<Message> message_of(std::string_view type);

void read_fields(Fields& from, Message& out);
void write(Writer& to, const Message& message);

}  // namespace worldplate
