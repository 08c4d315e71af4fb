@tool
class_name WorldplateComposite
extends RefCounted
## Lays plates over the engine's colour on the GPU, of the same frame or carried over from an older one.
##
## All methods are to be called on the render thread. Pack buffers are those of WorldplateCapture and stay the caller's.
## [method release] frees everything that is made here.

const _Shader: GDScript = preload("res://addons/worldplate/composite/composite_shader.gd")
const _CARRIED: int = 1
const _OLD: int = 2
const _CARRY_HEAD_BYTES: int = 224
const _CARRY_BODY_BYTES: int = 80
const _FIRST_BODIES: int = 64
const _PLATE_PIXEL_BYTES: int = 8

## Canonical light is the colour layer's times this.
var color_scale: float = 1.0

var _rd: RenderingDevice
var _size: Vector2i
var _words: PackedInt32Array  # Words before color, depth and object in the pack buffers.
var _shader: RID
var _pipeline: RID
var _plate: RID
var _plate_id: int = 0
var _carry: RID
var _carry_bytes: int = 0
var _sets: Array[Dictionary] = [{}, {}, {}, {}]  # Uniform sets by set index and by what is bound.
var _refused: bool = false


## Makes the buffers for plates of [param plane_size]. [param layout]: of the pack buffers, as WorldplateCapture gives it.
func configure(rd: RenderingDevice, plane_size: Vector2i, layout: Dictionary) -> void:
	if _rd != rd:
		release()
	_rd = rd
	_free_buffers()
	if not _pipeline.is_valid():
		_compile()
	_size = plane_size
	_words.clear()
	for plane: String in ["color", "depth", "object"]:
		_words.append(layout[plane]["offset"] / 4 if layout.has(plane) else _Shader.NO_PLANE)
	_plate = _rd.storage_buffer_create(_plate_bytes())
	_make_carry(_CARRY_HEAD_BYTES + _CARRY_BODY_BYTES * _FIRST_BODIES)


## [param pixels]: RGBA half floats, tight rows, straight alpha; kept until the next. The same frame is not sent twice.
func set_plate(frame_id: int, pixels: PackedByteArray) -> void:
	if frame_id == _plate_id:
		return
	if pixels.size() != _plate_bytes():
		push_error("Worldplate: a plate has %d bytes, not %d." % [pixels.size(), _plate_bytes()])
		return
	_rd.buffer_update(_plate, 0, pixels.size(), pixels)
	_plate_id = frame_id


## Draws the plate into [param color_texture]. [param target], [param source]: pack buffers of the frame that is shown and
## of the plate's. [param reprojection]: the link's, when these are two; empty when the plate is the target's own.
## [param old]: the target is not the frame that was just drawn into the texture: its own picture goes behind, else pixels
## that the plate does not cover are not written. False when nothing could be drawn.
func draw(
	color_texture: RID, target: RID, source: RID, reprojection: PackedByteArray, old: bool, strength: float
) -> bool:
	var color_size: Vector2i = _color_size(color_texture)
	if _plate_id == 0 or color_size == Vector2i.ZERO or target != source and not _send_carry(reprojection):
		return false
	var mode: int = (_CARRIED if target != source else 0) | (_OLD if old else 0)
	var sets: Array[RID] = [
		_set_of(0, RenderingDevice.UNIFORM_TYPE_IMAGE, [color_texture]),
		_set_of(1, RenderingDevice.UNIFORM_TYPE_STORAGE_BUFFER, [target]),
		_set_of(2, RenderingDevice.UNIFORM_TYPE_STORAGE_BUFFER, [source]),
		_set_of(3, RenderingDevice.UNIFORM_TYPE_STORAGE_BUFFER, [_plate, _carry]),
	]
	var call: PackedByteArray = _encode(color_size, mode, strength)
	var list: int = _rd.compute_list_begin()
	_rd.compute_list_bind_compute_pipeline(list, _pipeline)
	for i: int in sets.size():
		_rd.compute_list_bind_uniform_set(list, sets[i], i)
	_rd.compute_list_set_push_constant(list, call, call.size())
	_rd.compute_list_dispatch(list, ceili(color_size.x / float(_Shader.GROUP)), ceili(color_size.y / float(_Shader.GROUP)), 1)
	_rd.compute_list_end()
	return true


## Frees all that is on the GPU. May be configured again afterwards.
func release() -> void:
	if _rd == null:
		return
	_free_buffers()
	if _shader.is_valid():
		_rd.free_rid(_shader)  # With it goes the pipeline.
	_shader = RID()
	_pipeline = RID()
	_rd = null


func _plate_bytes() -> int:
	return _size.x * _size.y * _PLATE_PIXEL_BYTES


func _free_buffers() -> void:
	for by_parts: Dictionary in _sets:
		for uniform_set: RID in by_parts.values():
			if _rd.uniform_set_is_valid(uniform_set):
				_rd.free_rid(uniform_set)
		by_parts.clear()
	for buffer: RID in [_plate, _carry]:
		if buffer.is_valid():
			_rd.free_rid(buffer)
	_plate = RID()
	_carry = RID()
	_plate_id = 0


func _compile() -> void:
	var source: RDShaderSource = RDShaderSource.new()
	source.source_compute = _Shader.source()
	var spirv: RDShaderSPIRV = _rd.shader_compile_spirv_from_source(source)
	if not spirv.compile_error_compute.is_empty():
		push_error("Worldplate: the composite shader does not compile: ", spirv.compile_error_compute)
		return
	_shader = _rd.shader_create_from_spirv(spirv)
	_pipeline = _rd.compute_pipeline_create(_shader)


func _make_carry(bytes: int) -> void:
	if _carry.is_valid():
		_rd.free_rid(_carry)  # With it go the uniform sets that hold it.
	_carry_bytes = bytes
	_carry = _rd.storage_buffer_create(bytes)


func _send_carry(reprojection: PackedByteArray) -> bool:
	if reprojection.size() < _CARRY_HEAD_BYTES:
		return false
	if reprojection.size() > _carry_bytes:
		_make_carry(2 * reprojection.size())
	_rd.buffer_update(_carry, 0, reprojection.size(), reprojection)
	return true


## Width and height; ZERO, with a warning, where a compute shader cannot write it.
func _color_size(color_texture: RID) -> Vector2i:
	var format: RDTextureFormat = _rd.texture_get_format(color_texture)
	var writable: bool = format.usage_bits & RenderingDevice.TEXTURE_USAGE_STORAGE_BIT != 0
	if writable and format.format == RenderingDevice.DATA_FORMAT_R16G16B16A16_SFLOAT:
		return Vector2i(format.width, format.height)
	if not _refused:
		_refused = true
		push_warning("Worldplate: plates are not shown: the colour buffer is no writable RGBA16F. Use Forward+.")
	return Vector2i.ZERO


func _set_of(index: int, type: RenderingDevice.UniformType, parts: Array[RID]) -> RID:
	var known: RID = _sets[index].get(parts, RID())
	if known.is_valid() and _rd.uniform_set_is_valid(known):
		return known
	var uniforms: Array[RDUniform] = []
	for i: int in parts.size():
		var uniform: RDUniform = RDUniform.new()
		uniform.uniform_type = type
		uniform.binding = i
		uniform.add_id(parts[i])
		uniforms.append(uniform)
	_sets[index][parts] = _rd.uniform_set_create(uniforms, _shader, index)
	return _sets[index][parts]


func _encode(color_size: Vector2i, mode: int, strength: float) -> PackedByteArray:
	var words: PackedInt32Array = [_size.x, _size.y, color_size.x, color_size.y]
	words.append_array(_words)
	words.append(mode)
	return words.to_byte_array() + PackedFloat32Array([strength, color_scale, 1.0 / color_scale, 0]).to_byte_array()
