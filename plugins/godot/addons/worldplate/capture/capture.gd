@tool
class_name WorldplateCapture
extends RefCounted
## Turns the buffers of a rendered frame into canonical planes on the GPU: one compute pass into one storage buffer.
##
## Planes lie in the order of the settings, each at the next multiple of 64 bytes, rows tight, top row first. The buffers
## of the last frames are kept, and longer of those in [member kept]; [method release] frees everything. All methods but
## [method place] are to be called on the render thread.

const ALIGNMENT_BYTES: int = 64
const BYTES_PER_PIXEL: Dictionary[String, int] = {"rgba16f": 8, "r32f": 4, "rg16f": 4, "r32ui": 4, "r8ui": 1}
## Format of every plane that can be given.
const FORMATS: Dictionary[String, String] = {
	"color": "rgba16f", "depth": "r32f", "normal": "rgba16f", "motion": "rg16f", "albedo": "rgba16f", "material": "rg16f",
	"object": "r32ui", "label": "r8ui",
}

const _PackShader: GDScript = preload("res://addons/worldplate/capture/pack_shader.gd")
const _FRAME_BYTES: int = 3 * 64 + 7 * 16

## Ids of frames whose buffers are still needed; one less than there are buffers at most.
var kept: PackedInt64Array = []
## Base colour, object and label: internal colour of the mirror, and id, label and metallic by draw index.
var mirror_texture: RID
var things: PackedByteArray = PackedByteArray()

var _rd: RenderingDevice
var _size: Vector2i
var _layout: Dictionary = {}
var _words: PackedInt32Array = []  # Words before each plane of FORMATS.
var _shader: RID
var _pipeline: RID
var _sampler: RID
var _frame: RID  # Uniform buffer, _FRAME_BYTES.
var _things: RID
var _things_sent: PackedByteArray
var _buffers: Array[RID] = []
var _sets: Array[RID] = []
var _bound: Array[Array] = []  # What each of _sets was made of.
var _ids: PackedInt64Array = []


## Where planes of this size lie: {bytes, name: {offset, pitch, format}}, all in bytes. [param planes]: of [name, format].
static func place(plane_size: Vector2i, planes: Array) -> Dictionary:
	var layout: Dictionary = {}
	var end: int = 0
	for plane: Array in planes:
		var pitch: int = plane_size.x * BYTES_PER_PIXEL[plane[1]]
		layout[plane[0]] = {"offset": end, "pitch": pitch, "format": plane[1]}
		end = ceili((end + pitch * plane_size.y) / float(ALIGNMENT_BYTES)) * ALIGNMENT_BYTES
	layout["bytes"] = end
	return layout


## Makes [param count] buffers for planes of [param plane_size]; those of before are forgotten.
func configure(rd: RenderingDevice, plane_size: Vector2i, planes: Array, count: int) -> void:
	_rd = rd
	_free_buffers()
	if not _pipeline.is_valid():
		_compile()
	_size = plane_size
	_layout = place(plane_size, planes)
	_words.clear()
	for plane: String in FORMATS:
		_words.append(_layout[plane]["offset"] / 4 if _layout.has(plane) else _PackShader.NO_PLANE)
	for i: int in count:
		_buffers.append(_rd.storage_buffer_create(_layout["bytes"]))
	_sets.resize(count)
	_bound.resize(count)
	_ids.resize(count)
	_ids.fill(0)


## Of the planes, pixels; ZERO before [method configure].
func size() -> Vector2i:
	return _size


func layout() -> Dictionary:
	return _layout


## The storage buffer of a frame; RID() when it is forgotten.
func buffer_of(frame_id: int) -> RID:
	var slot: int = _ids.find(frame_id) if frame_id > 0 else -1
	return _buffers[slot] if slot >= 0 else RID()


## Packs what has been rendered; [param view] as view.gd makes it. The oldest buffer that is not kept is written.
func capture(buffers: RenderSceneBuffersRD, view: Dictionary, frame_id: int) -> RID:
	var slot: int = _oldest()
	_ids[slot] = frame_id
	_send_things()
	var uniforms: PackedByteArray = _encode(buffers.get_internal_size(), view)
	_rd.buffer_update(_frame, 0, uniforms.size(), uniforms)
	var bound: RID = _bind(slot, buffers)
	var list: int = _rd.compute_list_begin()
	_rd.compute_list_bind_compute_pipeline(list, _pipeline)
	_rd.compute_list_bind_uniform_set(list, bound, 0)
	var group: int = _PackShader.GROUP
	_rd.compute_list_dispatch(list, ceili(_size.x / float(group)), ceili(_size.y / float(group)), 1)
	_rd.compute_list_end()
	return _buffers[slot]


func _oldest() -> int:
	var oldest: int = -1
	for slot: int in _ids.size():
		if not _ids[slot] in kept and (oldest < 0 or _ids[slot] < _ids[oldest]):
			oldest = slot
	return oldest


func release() -> void:
	if _rd == null:
		return
	_free_buffers()
	for owned: RID in [_frame, _things, _sampler, _pipeline, _shader]:
		if owned.is_valid():
			_rd.free_rid(owned)
	_frame = RID()
	_things = RID()
	_sampler = RID()
	_pipeline = RID()
	_shader = RID()
	_size = Vector2i.ZERO
	_rd = null


func _free_buffers() -> void:
	for buffer: RID in _buffers:
		_rd.free_rid(buffer)  # With it go the uniform sets that hold it.
	_buffers.clear()
	_sets.clear()
	_bound.clear()
	_ids.clear()


func _compile() -> void:
	var source: RDShaderSource = RDShaderSource.new()
	source.source_compute = _PackShader.source()
	var spirv: RDShaderSPIRV = _rd.shader_compile_spirv_from_source(source)
	if not spirv.compile_error_compute.is_empty():
		push_error("Worldplate: the capture shader does not compile: ", spirv.compile_error_compute)
		return
	_shader = _rd.shader_create_from_spirv(spirv)
	_pipeline = _rd.compute_pipeline_create(_shader)
	_sampler = _rd.sampler_create(RDSamplerState.new())
	_frame = _rd.uniform_buffer_create(_FRAME_BYTES)


func _send_things() -> void:
	if _things.is_valid() and things == _things_sent:
		return
	_things_sent = things
	var bytes: PackedByteArray = things.duplicate()
	bytes.resize(maxi(16, bytes.size()))
	if _things.is_valid():
		_rd.free_rid(_things)
	_things = _rd.storage_buffer_create(bytes.size(), bytes)


func _bind(slot: int, buffers: RenderSceneBuffersRD) -> RID:
	var color: RID = buffers.get_color_layer(0)
	var has_normal: bool = buffers.has_texture(&"forward_clustered", &"normal_roughness")
	var has_motion: bool = buffers.has_texture(&"render_buffers", &"velocity")
	var parts: Array = [
		color, buffers.get_depth_layer(0),
		buffers.get_texture(&"forward_clustered", &"normal_roughness") if has_normal else color,
		buffers.get_velocity_layer(0) if has_motion else color,
		mirror_texture if _has_mirror() else color, _things,
	]
	if _bound[slot] == parts and _rd.uniform_set_is_valid(_sets[slot]):
		return _sets[slot]
	var uniforms: Array[RDUniform] = []
	for i: int in 5:
		uniforms.append(_uniform(RenderingDevice.UNIFORM_TYPE_SAMPLER_WITH_TEXTURE, i, [_sampler, parts[i]]))
	uniforms.append(_uniform(RenderingDevice.UNIFORM_TYPE_STORAGE_BUFFER, 5, [_things]))
	uniforms.append(_uniform(RenderingDevice.UNIFORM_TYPE_STORAGE_BUFFER, 6, [_buffers[slot]]))
	uniforms.append(_uniform(RenderingDevice.UNIFORM_TYPE_UNIFORM_BUFFER, 7, [_frame]))
	if _sets[slot].is_valid() and _rd.uniform_set_is_valid(_sets[slot]):
		_rd.free_rid(_sets[slot])
	_sets[slot] = _rd.uniform_set_create(uniforms, _shader, 0)
	_bound[slot] = parts
	return _sets[slot]


func _has_mirror() -> bool:
	return mirror_texture.is_valid() and _rd.texture_is_valid(mirror_texture)


static func _uniform(type: RenderingDevice.UniformType, binding: int, ids: Array[RID]) -> RDUniform:
	var uniform: RDUniform = RDUniform.new()
	uniform.uniform_type = type
	uniform.binding = binding
	for id: RID in ids:
		uniform.add_id(id)
	return uniform


func _encode(internal: Vector2i, view: Dictionary) -> PackedByteArray:
	var numbers: PackedFloat32Array = []
	_append_matrix(numbers, Projection(Transform3D((view["pose"] as Transform3D).basis, Vector3.ZERO)))
	_append_matrix(numbers, view["previous_clip_from_view"])
	_append_matrix(numbers, view["previous_clip_from_far"])
	var lens: Vector4 = view["lens"]
	var jitter: Vector2 = view["jitter_ndc"]
	var depth: Vector2 = view["depth"]
	numbers.append_array([lens.x, lens.y, lens.z, lens.w, depth.x, depth.y, jitter.x, jitter.y, view["color_scale"], 0, 0, 0])
	var words: PackedInt32Array = [_size.x, _size.y, internal.x, internal.y]
	words.append_array(_words)
	var known: int = 1 if view["motion_known"] else 0
	words.append_array([known, 1 if _has_mirror() else 0, maxi(1, things.size() / 16), 0])
	return numbers.to_byte_array() + words.to_byte_array()


static func _append_matrix(numbers: PackedFloat32Array, matrix: Projection) -> void:
	var x: Vector4 = matrix.x
	var y: Vector4 = matrix.y
	var z: Vector4 = matrix.z
	var w: Vector4 = matrix.w
	numbers.append_array([x.x, x.y, x.z, x.w, y.x, y.y, y.z, y.w, z.x, z.y, z.z, z.w, w.x, w.y, w.z, w.w])
