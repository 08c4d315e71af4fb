/* Written by `python -m bridge.codegen` from bridge/schema. Do not edit. */
#include "messages.g.hpp"

namespace worldplate {
void read_fields(Fields& from, PlaneLayout& out);
void write(Writer& to, const PlaneLayout& value);
void read_fields(Fields& from, PlaneOffer& out);
void write(Writer& to, const PlaneOffer& value);
void read_fields(Fields& from, Control& out);
void write(Writer& to, const Control& value);
void read_fields(Fields& from, Pose& out);
void write(Writer& to, const Pose& value);
void read_fields(Fields& from, Lens& out);
void write(Writer& to, const Lens& value);
void read_fields(Fields& from, Camera& out);
void write(Writer& to, const Camera& value);
void read_fields(Fields& from, Bodies& out);
void write(Writer& to, const Bodies& value);
void read_fields(Fields& from, Timecode& out);
void write(Writer& to, const Timecode& value);
void read_fields(Fields& from, Limits& out);
void write(Writer& to, const Limits& value);
void read_fields(Fields& from, Hello& out);
void write(Writer& to, const Hello& value);
void read_fields(Fields& from, Welcome& out);
void write(Writer& to, const Welcome& value);
void read_fields(Fields& from, Reject& out);
void write(Writer& to, const Reject& value);
void read_fields(Fields& from, Planes& out);
void write(Writer& to, const Planes& value);
void read_fields(Fields& from, PlanesAck& out);
void write(Writer& to, const PlanesAck& value);
void read_fields(Fields& from, Frame& out);
void write(Writer& to, const Frame& value);
void read_fields(Fields& from, Result& out);
void write(Writer& to, const Result& value);
void read_fields(Fields& from, Release& out);
void write(Writer& to, const Release& value);
void read_fields(Fields& from, SetControls& out);
void write(Writer& to, const SetControls& value);
void read_fields(Fields& from, World& out);
void write(Writer& to, const World& value);
void read_fields(Fields& from, Clock& out);
void write(Writer& to, const Clock& value);
void read_fields(Fields& from, Status& out);
void write(Writer& to, const Status& value);
void read_fields(Fields& from, Ping& out);
void write(Writer& to, const Ping& value);
void read_fields(Fields& from, Bye& out);
void write(Writer& to, const Bye& value);
void read_fields(Fields& from, Error& out);
void write(Writer& to, const Error& value);
void read_fields(Fields& from, OperatorHello& out);
void write(Writer& to, const OperatorHello& value);
void read_fields(Fields& from, Record& out);
void write(Writer& to, const Record& value);
void read_fields(Fields& from, UseModel& out);
void write(Writer& to, const UseModel& value);

void read_fields(Fields& from, PlaneLayout& out) {
    from.required("name", out.name);
    from.required("format", out.format);
    from.required("width", out.width, {INT64_C(0), INT64_C(2147483647), nullptr});
    from.required("height", out.height, {INT64_C(0), INT64_C(2147483647), nullptr});
    from.required("row_pitch_bytes", out.row_pitch_bytes, {INT64_C(0), INT64_C(2147483647), nullptr});
    from.optional("offset_bytes", out.offset_bytes, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
}

void write(Writer& to, const PlaneLayout& value) {
    to.map(6);
    write_field(to, "name", value.name);
    write_field(to, "format", value.format);
    write_field(to, "width", value.width);
    write_field(to, "height", value.height);
    write_field(to, "row_pitch_bytes", value.row_pitch_bytes);
    write_field(to, "offset_bytes", value.offset_bytes);
}

void read_fields(Fields& from, PlaneOffer& out) {
    from.required("name", out.name);
    from.required("formats", out.formats, {1, INT64_C(8), nullptr});
}

void write(Writer& to, const PlaneOffer& value) {
    to.map(2);
    write_field(to, "name", value.name);
    write_field(to, "formats", value.formats);
}

void read_fields(Fields& from, Control& out) {
    from.required("name", out.name, {1, INT64_C(64), nullptr});
    from.required("type", out.type);
    from.required("text", out.text, {0, INT64_C(1024), nullptr});
    from.required("default", out.default_);
    from.optional("unit", out.unit, {0, INT64_C(16), nullptr});
    from.optional("minimum", out.minimum);
    from.optional("maximum", out.maximum);
    from.optional("step", out.step);
    from.optional("choices", out.choices, {0, INT64_C(64), nullptr});
}

void write(Writer& to, const Control& value) {
    to.map(9);
    write_field(to, "name", value.name);
    write_field(to, "type", value.type);
    write_field(to, "text", value.text);
    write_field(to, "default", value.default_);
    write_field(to, "unit", value.unit);
    write_field(to, "minimum", value.minimum);
    write_field(to, "maximum", value.maximum);
    write_field(to, "step", value.step);
    write_field(to, "choices", value.choices);
}

void read_fields(Fields& from, Pose& out) {
    from.optional("position_m", out.position_m);
    from.optional("orientation", out.orientation);
}

void write(Writer& to, const Pose& value) {
    to.map(2);
    write_field(to, "position_m", value.position_m);
    write_field(to, "orientation", value.orientation);
}

void read_fields(Fields& from, Lens& out) {
    from.optional("focal_length_mm", out.focal_length_mm);
    from.optional("sensor_width_mm", out.sensor_width_mm);
    from.optional("f_number", out.f_number);
    from.optional("focus_distance_m", out.focus_distance_m);
}

void write(Writer& to, const Lens& value) {
    to.map(4);
    write_field(to, "focal_length_mm", value.focal_length_mm);
    write_field(to, "sensor_width_mm", value.sensor_width_mm);
    write_field(to, "f_number", value.f_number);
    write_field(to, "focus_distance_m", value.focus_distance_m);
}

void read_fields(Fields& from, Camera& out) {
    from.required("world_from_camera", out.world_from_camera);
    from.required("previous_world_from_camera", out.previous_world_from_camera);
    from.required("projection", out.projection);
    from.optional("jitter_px", out.jitter_px);
    from.optional("near_m", out.near_m);
    from.optional("far_m", out.far_m);
    from.optional("lens", out.lens);
}

void write(Writer& to, const Camera& value) {
    to.map(7);
    write_field(to, "world_from_camera", value.world_from_camera);
    write_field(to, "previous_world_from_camera", value.previous_world_from_camera);
    write_field(to, "projection", value.projection);
    write_field(to, "jitter_px", value.jitter_px);
    write_field(to, "near_m", value.near_m);
    write_field(to, "far_m", value.far_m);
    write_field(to, "lens", value.lens);
}

void read_fields(Fields& from, Bodies& out) {
    from.optional("count", out.count, {INT64_C(0), INT64_C(4294967295), nullptr});
    from.optional("ids", out.ids);
    from.optional("labels", out.labels);
    from.optional("poses", out.poses);
    from.optional("previous_poses", out.previous_poses);
    from.optional("velocities", out.velocities);
    from.optional("contact_count", out.contact_count, {INT64_C(0), INT64_C(4294967295), nullptr});
    from.optional("contact_ids", out.contact_ids);
    from.optional("contact_points", out.contact_points);
}

void write(Writer& to, const Bodies& value) {
    to.map(9);
    write_field(to, "count", value.count);
    write_field(to, "ids", value.ids);
    write_field(to, "labels", value.labels);
    write_field(to, "poses", value.poses);
    write_field(to, "previous_poses", value.previous_poses);
    write_field(to, "velocities", value.velocities);
    write_field(to, "contact_count", value.contact_count);
    write_field(to, "contact_ids", value.contact_ids);
    write_field(to, "contact_points", value.contact_points);
}

void read_fields(Fields& from, Timecode& out) {
    from.optional("hours", out.hours, {INT64_C(0), INT64_C(23), nullptr});
    from.optional("minutes", out.minutes, {INT64_C(0), INT64_C(59), nullptr});
    from.optional("seconds", out.seconds, {INT64_C(0), INT64_C(59), nullptr});
    from.optional("frames", out.frames, {INT64_C(0), INT64_C(119), nullptr});
    from.optional("drop_frame", out.drop_frame);
    from.optional("rate_numerator", out.rate_numerator, {INT64_C(1), INT64_C(240000), nullptr});
    from.optional("rate_denominator", out.rate_denominator, {INT64_C(1), INT64_C(1001), nullptr});
}

void write(Writer& to, const Timecode& value) {
    to.map(7);
    write_field(to, "hours", value.hours);
    write_field(to, "minutes", value.minutes);
    write_field(to, "seconds", value.seconds);
    write_field(to, "frames", value.frames);
    write_field(to, "drop_frame", value.drop_frame);
    write_field(to, "rate_numerator", value.rate_numerator);
    write_field(to, "rate_denominator", value.rate_denominator);
}

void read_fields(Fields& from, Limits& out) {
    from.optional("max_message_bytes", out.max_message_bytes, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_parts", out.max_parts, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_depth", out.max_depth, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_nodes", out.max_nodes, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_objects", out.max_objects, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_controls", out.max_controls, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_text", out.max_text, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_side_px", out.max_side_px, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_frame_bytes", out.max_frame_bytes, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_shared_bytes", out.max_shared_bytes, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_slots", out.max_slots, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_sessions", out.max_sessions, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_operators", out.max_operators, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_snapshots", out.max_snapshots, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_snapshot_bytes", out.max_snapshot_bytes, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_streams", out.max_streams, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("max_requests_per_s", out.max_requests_per_s, {INT64_C(1), INT64_MAX, nullptr});
}

void write(Writer& to, const Limits& value) {
    to.map(17);
    write_field(to, "max_message_bytes", value.max_message_bytes);
    write_field(to, "max_parts", value.max_parts);
    write_field(to, "max_depth", value.max_depth);
    write_field(to, "max_nodes", value.max_nodes);
    write_field(to, "max_objects", value.max_objects);
    write_field(to, "max_controls", value.max_controls);
    write_field(to, "max_text", value.max_text);
    write_field(to, "max_side_px", value.max_side_px);
    write_field(to, "max_frame_bytes", value.max_frame_bytes);
    write_field(to, "max_shared_bytes", value.max_shared_bytes);
    write_field(to, "max_slots", value.max_slots);
    write_field(to, "max_sessions", value.max_sessions);
    write_field(to, "max_operators", value.max_operators);
    write_field(to, "max_snapshots", value.max_snapshots);
    write_field(to, "max_snapshot_bytes", value.max_snapshot_bytes);
    write_field(to, "max_streams", value.max_streams);
    write_field(to, "max_requests_per_s", value.max_requests_per_s);
}

void read_fields(Fields& from, Hello& out) {
    from.optional("protocol", out.protocol, {INT64_C(0), INT64_C(4294967295), nullptr});
    from.optional("protocol_oldest", out.protocol_oldest, {INT64_C(0), INT64_C(4294967295), nullptr});
    from.required("token", out.token, {0, INT64_C(64), nullptr});
    from.required("client", out.client, {1, INT64_C(64), nullptr});
    from.optional("engine", out.engine, {0, INT64_C(64), nullptr});
    from.optional("pid", out.pid, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.required("width", out.width, {INT64_C(0), INT64_C(2147483647), nullptr});
    from.required("height", out.height, {INT64_C(0), INT64_C(2147483647), nullptr});
    from.required("planes", out.planes, {0, INT64_C(16), nullptr});
    from.required("transports", out.transports, {1, INT64_C(3), nullptr});
    from.optional("sync", out.sync);
    from.optional("delay_frames", out.delay_frames, {INT64_C(0), INT64_C(8), nullptr});
    from.optional("late", out.late);
    from.optional("seed", out.seed, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("device", out.device, {0, INT64_C(32), nullptr});
}

void write(Writer& to, const Hello& value) {
    to.map(16);
    to.text("type");
    to.text("HELLO");
    write_field(to, "protocol", value.protocol);
    write_field(to, "protocol_oldest", value.protocol_oldest);
    write_field(to, "token", value.token);
    write_field(to, "client", value.client);
    write_field(to, "engine", value.engine);
    write_field(to, "pid", value.pid);
    write_field(to, "width", value.width);
    write_field(to, "height", value.height);
    write_field(to, "planes", value.planes);
    write_field(to, "transports", value.transports);
    write_field(to, "sync", value.sync);
    write_field(to, "delay_frames", value.delay_frames);
    write_field(to, "late", value.late);
    write_field(to, "seed", value.seed);
    write_field(to, "device", value.device);
}

void read_fields(Fields& from, Welcome& out) {
    from.optional("protocol", out.protocol, {INT64_C(0), INT64_C(4294967295), nullptr});
    from.required("session", out.session, {32, INT64_C(32), is_session});
    from.required("model", out.model, {1, INT64_C(64), nullptr});
    from.required("runtime", out.runtime, {1, INT64_C(64), nullptr});
    from.required("planes", out.planes);
    from.required("outputs", out.outputs);
    from.required("transport", out.transport);
    from.optional("transport_reason", out.transport_reason, {0, INT64_C(1024), nullptr});
    from.optional("sync", out.sync);
    from.optional("delay_frames", out.delay_frames, {INT64_C(0), INT64_C(8), nullptr});
    from.optional("late", out.late);
    from.optional("limits", out.limits);
    from.optional("heartbeat_ms", out.heartbeat_ms, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("stall_ms", out.stall_ms, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("controls", out.controls);
    from.optional("chunk_frames", out.chunk_frames, {INT64_C(1), INT64_MAX, nullptr});
    from.optional("response_window_ms", out.response_window_ms);
    from.optional("licence", out.licence, {0, INT64_C(64), nullptr});
    from.optional("models", out.models);
}

void write(Writer& to, const Welcome& value) {
    to.map(20);
    to.text("type");
    to.text("WELCOME");
    write_field(to, "protocol", value.protocol);
    write_field(to, "session", value.session);
    write_field(to, "model", value.model);
    write_field(to, "runtime", value.runtime);
    write_field(to, "planes", value.planes);
    write_field(to, "outputs", value.outputs);
    write_field(to, "transport", value.transport);
    write_field(to, "transport_reason", value.transport_reason);
    write_field(to, "sync", value.sync);
    write_field(to, "delay_frames", value.delay_frames);
    write_field(to, "late", value.late);
    write_field(to, "limits", value.limits);
    write_field(to, "heartbeat_ms", value.heartbeat_ms);
    write_field(to, "stall_ms", value.stall_ms);
    write_field(to, "controls", value.controls);
    write_field(to, "chunk_frames", value.chunk_frames);
    write_field(to, "response_window_ms", value.response_window_ms);
    write_field(to, "licence", value.licence);
    write_field(to, "models", value.models);
}

void read_fields(Fields& from, Reject& out) {
    from.required("code", out.code, {1, INT64_C(64), nullptr});
    from.required("text", out.text, {0, INT64_C(1024), nullptr});
    from.required("fix", out.fix, {0, INT64_C(1024), nullptr});
}

void write(Writer& to, const Reject& value) {
    to.map(4);
    to.text("type");
    to.text("REJECT");
    write_field(to, "code", value.code);
    write_field(to, "text", value.text);
    write_field(to, "fix", value.fix);
}

void read_fields(Fields& from, Planes& out) {
    from.required("session", out.session, {32, INT64_C(32), is_session});
    from.required("generation", out.generation, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.required("segment", out.segment, {0, INT64_C(43), is_segment});
    from.required("segment_bytes", out.segment_bytes, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.required("slot_count", out.slot_count, {INT64_C(2), INT64_C(64), nullptr});
    from.required("slot_bytes", out.slot_bytes, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.required("planes", out.planes, {0, INT64_C(16), nullptr});
    from.required("outputs", out.outputs, {0, INT64_C(16), nullptr});
}

void write(Writer& to, const Planes& value) {
    to.map(9);
    to.text("type");
    to.text("PLANES");
    write_field(to, "session", value.session);
    write_field(to, "generation", value.generation);
    write_field(to, "segment", value.segment);
    write_field(to, "segment_bytes", value.segment_bytes);
    write_field(to, "slot_count", value.slot_count);
    write_field(to, "slot_bytes", value.slot_bytes);
    write_field(to, "planes", value.planes);
    write_field(to, "outputs", value.outputs);
}

void read_fields(Fields& from, PlanesAck& out) {
    from.required("session", out.session, {32, INT64_C(32), is_session});
    from.required("generation", out.generation, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.required("ok", out.ok);
    from.optional("code", out.code, {0, INT64_C(64), nullptr});
    from.optional("text", out.text, {0, INT64_C(1024), nullptr});
}

void write(Writer& to, const PlanesAck& value) {
    to.map(6);
    to.text("type");
    to.text("PLANES_ACK");
    write_field(to, "session", value.session);
    write_field(to, "generation", value.generation);
    write_field(to, "ok", value.ok);
    write_field(to, "code", value.code);
    write_field(to, "text", value.text);
}

void read_fields(Fields& from, Frame& out) {
    from.required("session", out.session, {32, INT64_C(32), is_session});
    from.required("id", out.id, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("stream", out.stream, {1, INT64_C(64), nullptr});
    from.optional("generation", out.generation, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("slot", out.slot, {INT64_C(0), INT64_C(4294967295), nullptr});
    from.optional("planes", out.planes, {0, INT64_C(16), nullptr});
    from.required("capture_ns", out.capture_ns, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("deadline_ns", out.deadline_ns, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("timecode", out.timecode);
    from.required("camera", out.camera);
    from.optional("bodies", out.bodies);
    from.optional("controls", out.controls);
    from.optional("seed", out.seed, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("reset", out.reset);
    from.optional("ready_value", out.ready_value, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
}

void write(Writer& to, const Frame& value) {
    to.map(16);
    to.text("type");
    to.text("FRAME");
    write_field(to, "session", value.session);
    write_field(to, "id", value.id);
    write_field(to, "stream", value.stream);
    write_field(to, "generation", value.generation);
    write_field(to, "slot", value.slot);
    write_field(to, "planes", value.planes);
    write_field(to, "capture_ns", value.capture_ns);
    write_field(to, "deadline_ns", value.deadline_ns);
    write_field(to, "timecode", value.timecode);
    write_field(to, "camera", value.camera);
    write_field(to, "bodies", value.bodies);
    write_field(to, "controls", value.controls);
    write_field(to, "seed", value.seed);
    write_field(to, "reset", value.reset);
    write_field(to, "ready_value", value.ready_value);
}

void read_fields(Fields& from, Result& out) {
    from.required("session", out.session, {32, INT64_C(32), is_session});
    from.required("id", out.id, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("stream", out.stream, {1, INT64_C(64), nullptr});
    from.optional("generation", out.generation, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("slot", out.slot, {INT64_C(0), INT64_C(4294967295), nullptr});
    from.required("disposition", out.disposition);
    from.optional("reason", out.reason, {0, INT64_C(1024), nullptr});
    from.optional("camera", out.camera);
    from.optional("capture_ns", out.capture_ns, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("age_ms", out.age_ms);
    from.optional("stages_ms", out.stages_ms);
    from.optional("outputs", out.outputs, {0, INT64_C(16), nullptr});
    from.optional("host_bytes_copied", out.host_bytes_copied, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("model", out.model, {0, INT64_C(64), nullptr});
    from.optional("runtime", out.runtime, {0, INT64_C(64), nullptr});
    from.optional("done_value", out.done_value, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
}

void write(Writer& to, const Result& value) {
    to.map(17);
    to.text("type");
    to.text("RESULT");
    write_field(to, "session", value.session);
    write_field(to, "id", value.id);
    write_field(to, "stream", value.stream);
    write_field(to, "generation", value.generation);
    write_field(to, "slot", value.slot);
    write_field(to, "disposition", value.disposition);
    write_field(to, "reason", value.reason);
    write_field(to, "camera", value.camera);
    write_field(to, "capture_ns", value.capture_ns);
    write_field(to, "age_ms", value.age_ms);
    write_field(to, "stages_ms", value.stages_ms);
    write_field(to, "outputs", value.outputs);
    write_field(to, "host_bytes_copied", value.host_bytes_copied);
    write_field(to, "model", value.model);
    write_field(to, "runtime", value.runtime);
    write_field(to, "done_value", value.done_value);
}

void read_fields(Fields& from, Release& out) {
    from.required("session", out.session, {32, INT64_C(32), is_session});
    from.required("generation", out.generation, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
}

void write(Writer& to, const Release& value) {
    to.map(3);
    to.text("type");
    to.text("RELEASE");
    write_field(to, "session", value.session);
    write_field(to, "generation", value.generation);
}

void read_fields(Fields& from, SetControls& out) {
    from.required("session", out.session, {32, INT64_C(32), is_session});
    from.optional("from_id", out.from_id, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("values", out.values);
    from.optional("engine_objects", out.engine_objects, {0, INT64_C(4096), nullptr});
    from.optional("engine_labels", out.engine_labels, {0, INT64_C(256), nullptr});
    from.optional("plate_near_m", out.plate_near_m);
    from.optional("plate_far_m", out.plate_far_m);
}

void write(Writer& to, const SetControls& value) {
    to.map(8);
    to.text("type");
    to.text("CONTROL");
    write_field(to, "session", value.session);
    write_field(to, "from_id", value.from_id);
    write_field(to, "values", value.values);
    write_field(to, "engine_objects", value.engine_objects);
    write_field(to, "engine_labels", value.engine_labels);
    write_field(to, "plate_near_m", value.plate_near_m);
    write_field(to, "plate_far_m", value.plate_far_m);
}

void read_fields(Fields& from, World& out) {
    from.required("session", out.session, {32, INT64_C(32), is_session});
    from.required("op", out.op);
    from.optional("name", out.name, {0, INT64_C(64), is_snapshot_name});
    from.optional("reset", out.reset);
    from.optional("stream", out.stream, {0, INT64_C(64), nullptr});
    from.optional("to_stream", out.to_stream, {0, INT64_C(64), nullptr});
    from.optional("nonce", out.nonce, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
}

void write(Writer& to, const World& value) {
    to.map(8);
    to.text("type");
    to.text("WORLD");
    write_field(to, "session", value.session);
    write_field(to, "op", value.op);
    write_field(to, "name", value.name);
    write_field(to, "reset", value.reset);
    write_field(to, "stream", value.stream);
    write_field(to, "to_stream", value.to_stream);
    write_field(to, "nonce", value.nonce);
}

void read_fields(Fields& from, Clock& out) {
    from.required("session", out.session, {32, INT64_C(32), is_session});
    from.required("t1_ns", out.t1_ns, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("t2_ns", out.t2_ns, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("t3_ns", out.t3_ns, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
}

void write(Writer& to, const Clock& value) {
    to.map(5);
    to.text("type");
    to.text("CLOCK");
    write_field(to, "session", value.session);
    write_field(to, "t1_ns", value.t1_ns);
    write_field(to, "t2_ns", value.t2_ns);
    write_field(to, "t3_ns", value.t3_ns);
}

void read_fields(Fields& from, Status& out) {
    from.required("session", out.session, {32, INT64_C(32), is_session});
    from.required("state", out.state);
    from.optional("text", out.text, {0, INT64_C(1024), nullptr});
    from.optional("model", out.model, {0, INT64_C(64), nullptr});
    from.optional("runtime", out.runtime, {0, INT64_C(64), nullptr});
    from.optional("plates_per_s", out.plates_per_s);
    from.optional("frame_age_ms", out.frame_age_ms);
    from.optional("dispositions", out.dispositions);
    from.optional("name", out.name, {0, INT64_C(64), nullptr});
    from.optional("nonce", out.nonce, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("take", out.take, {0, INT64_C(64), nullptr});
    from.optional("take_missed", out.take_missed, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("memory", out.memory);
    from.optional("gpu", out.gpu);
}

void write(Writer& to, const Status& value) {
    to.map(15);
    to.text("type");
    to.text("STATUS");
    write_field(to, "session", value.session);
    write_field(to, "state", value.state);
    write_field(to, "text", value.text);
    write_field(to, "model", value.model);
    write_field(to, "runtime", value.runtime);
    write_field(to, "plates_per_s", value.plates_per_s);
    write_field(to, "frame_age_ms", value.frame_age_ms);
    write_field(to, "dispositions", value.dispositions);
    write_field(to, "name", value.name);
    write_field(to, "nonce", value.nonce);
    write_field(to, "take", value.take);
    write_field(to, "take_missed", value.take_missed);
    write_field(to, "memory", value.memory);
    write_field(to, "gpu", value.gpu);
}

void read_fields(Fields& from, Ping& out) {
    from.required("nonce", out.nonce, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("answer", out.answer);
}

void write(Writer& to, const Ping& value) {
    to.map(3);
    to.text("type");
    to.text("PING");
    write_field(to, "nonce", value.nonce);
    write_field(to, "answer", value.answer);
}

void read_fields(Fields& from, Bye& out) {
    from.required("session", out.session, {32, INT64_C(32), is_session});
    from.optional("reason", out.reason, {0, INT64_C(1024), nullptr});
}

void write(Writer& to, const Bye& value) {
    to.map(3);
    to.text("type");
    to.text("BYE");
    write_field(to, "session", value.session);
    write_field(to, "reason", value.reason);
}

void read_fields(Fields& from, Error& out) {
    from.required("code", out.code, {1, INT64_C(64), nullptr});
    from.required("text", out.text, {0, INT64_C(1024), nullptr});
    from.optional("fix", out.fix, {0, INT64_C(1024), nullptr});
    from.optional("frame_id", out.frame_id, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
    from.optional("stream", out.stream, {0, INT64_C(64), nullptr});
    from.optional("fatal", out.fatal);
    from.optional("nonce", out.nonce, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
}

void write(Writer& to, const Error& value) {
    to.map(8);
    to.text("type");
    to.text("ERROR");
    write_field(to, "code", value.code);
    write_field(to, "text", value.text);
    write_field(to, "fix", value.fix);
    write_field(to, "frame_id", value.frame_id);
    write_field(to, "stream", value.stream);
    write_field(to, "fatal", value.fatal);
    write_field(to, "nonce", value.nonce);
}

void read_fields(Fields& from, OperatorHello& out) {
    from.optional("protocol", out.protocol, {INT64_C(0), INT64_C(4294967295), nullptr});
    from.optional("protocol_oldest", out.protocol_oldest, {INT64_C(0), INT64_C(4294967295), nullptr});
    from.required("token", out.token, {0, INT64_C(64), nullptr});
    from.required("client", out.client, {1, INT64_C(64), nullptr});
    from.optional("nonce", out.nonce, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
}

void write(Writer& to, const OperatorHello& value) {
    to.map(6);
    to.text("type");
    to.text("OPERATOR");
    write_field(to, "protocol", value.protocol);
    write_field(to, "protocol_oldest", value.protocol_oldest);
    write_field(to, "token", value.token);
    write_field(to, "client", value.client);
    write_field(to, "nonce", value.nonce);
}

void read_fields(Fields& from, Record& out) {
    from.required("session", out.session, {32, INT64_C(32), is_session});
    from.required("on", out.on);
    from.optional("name", out.name, {0, INT64_C(64), is_snapshot_name});
    from.optional("mark", out.mark);
    from.optional("nonce", out.nonce, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
}

void write(Writer& to, const Record& value) {
    to.map(6);
    to.text("type");
    to.text("RECORD");
    write_field(to, "session", value.session);
    write_field(to, "on", value.on);
    write_field(to, "name", value.name);
    write_field(to, "mark", value.mark);
    write_field(to, "nonce", value.nonce);
}

void read_fields(Fields& from, UseModel& out) {
    from.required("model", out.model, {1, INT64_C(64), is_snapshot_name});
    from.optional("nonce", out.nonce, {INT64_C(0), INT64_C(9223372036854775807), nullptr});
}

void write(Writer& to, const UseModel& value) {
    to.map(3);
    to.text("type");
    to.text("MODEL");
    write_field(to, "model", value.model);
    write_field(to, "nonce", value.nonce);
}

const char* type_of(const Message& message) {
    static constexpr const char* kTypes[] = {
        "HELLO", "WELCOME", "REJECT", "PLANES", "PLANES_ACK", "FRAME", "RESULT", "RELEASE", "CONTROL", "WORLD",
        "CLOCK", "STATUS", "PING", "BYE", "ERROR", "OPERATOR", "RECORD", "MODEL"};
    return kTypes[message.index()];
}

std::optional<Message> message_of(std::string_view type) {
    if (type == "HELLO") return Hello{};
    if (type == "WELCOME") return Welcome{};
    if (type == "REJECT") return Reject{};
    if (type == "PLANES") return Planes{};
    if (type == "PLANES_ACK") return PlanesAck{};
    if (type == "FRAME") return Frame{};
    if (type == "RESULT") return Result{};
    if (type == "RELEASE") return Release{};
    if (type == "CONTROL") return SetControls{};
    if (type == "WORLD") return World{};
    if (type == "CLOCK") return Clock{};
    if (type == "STATUS") return Status{};
    if (type == "PING") return Ping{};
    if (type == "BYE") return Bye{};
    if (type == "ERROR") return Error{};
    if (type == "OPERATOR") return OperatorHello{};
    if (type == "RECORD") return Record{};
    if (type == "MODEL") return UseModel{};
    return std::nullopt;
}

void read_fields(Fields& from, Message& out) {
    std::visit([&from](auto& message) { read_fields(from, message); }, out);
}

void write(Writer& to, const Message& message) {
    std::visit([&to](const auto& held) { write(to, held); }, message);
}

}  // namespace worldplate
