## A small world of its own, drawn off screen: boxes whose every pixel is known, and a camera that makes known moves.
@tool
extends SubViewport

const SIZE: Vector2i = Vector2i(192, 108)

const _Golden: GDScript = preload("res://addons/worldplate/dock/golden.gd")
const _Stream: GDScript = preload("res://addons/worldplate/stream.gd")
const _Truth: GDScript = preload("res://addons/worldplate/dock/truth.gd")
const EFFECT: String = "res://addons/worldplate/effect.gd"

## A WorldplateEffect without a link: it captures, and sends nothing.
var effect: CompositorEffect

var _camera: Camera3D = Camera3D.new()
var _boxes: Array[Dictionary] = []
var _nodes: Array[MeshInstance3D] = []
var _previous_pose: Transform3D


func _init() -> void:
	size = SIZE
	own_world_3d = true
	render_target_update_mode = SubViewport.UPDATE_ALWAYS
	var environment: WorldEnvironment = WorldEnvironment.new()
	environment.environment = Environment.new()
	environment.environment.background_mode = Environment.BG_COLOR
	environment.environment.background_color = Color.BLACK
	add_child(environment)
	add_child(_camera)
	# The wall's front is the plane z = -4: all of it has the golden point's depth and motion.
	_add_box("wall", Vector3(1.5, 2.2, -4.25), Vector3(1.6, 1.2, 0.5), Color(0.2, 0.3, 0.9), "wall", 0.9, 0.0)
	_add_box("right", Vector3(4.0, 2.0, -3.0), Vector3(1.0, 1.0, 1.0), Color(0.9, 0.1, 0.1), "wood", 0.6, 0.0)
	_add_box("above", Vector3(0.5, 4.2, -3.5), Vector3(1.2, 0.8, 1.0), Color(0.1, 0.8, 0.2), "metal", 0.3, 1.0)
	_add_box("moving", Vector3(-1.2, 1.4, -3.0), Vector3(1.0, 1.0, 1.0), Color(0.8, 0.7, 0.1), "plastic", 0.5, 0.0)
	_add_box("ground", Vector3(1.0, -0.5, -6.0), Vector3(12.0, 1.0, 8.0), Color(0.4, 0.4, 0.5), "ground", 1.0, 0.0)


func _ready() -> void:
	_camera.fov = _Truth.FOV_DEG
	_camera.near = _Truth.NEAR_M
	_camera.far = _Truth.FAR_M
	_camera.make_current()
	effect = (load(EFFECT) as GDScript).new()
	var compositor: Compositor = Compositor.new()
	compositor.compositor_effects = [effect]
	_camera.compositor = compositor
	move_camera(Transform3D(Basis.IDENTITY, _Golden.PREVIOUS_CAMERA))


func _exit_tree() -> void:
	_camera.compositor = null
	effect.call(&"release")


## Where the camera is from the next frame on.
func move_camera(pose: Transform3D) -> void:
	_previous_pose = _camera.transform
	_camera.transform = pose


## Moves the box that moves; the others stand still.
func move_box(step: Vector3) -> void:
	for i: int in _boxes.size():
		_boxes[i]["previous_center"] = _boxes[i]["center"]
		if _boxes[i]["name"] == "moving":
			_boxes[i]["center"] += step
		_nodes[i].position = _boxes[i]["center"]


## What the next frame shows.
func truth() -> RefCounted:
	var known: RefCounted = _Truth.new()
	known.set(&"boxes", _boxes.duplicate(true))
	known.set(&"camera", _camera.transform)
	known.set(&"previous_camera", _previous_pose)
	known.set(&"size", SIZE)
	return known


func _add_box(
	box_name: String, center: Vector3, box_size: Vector3, color: Color, label: String, roughness: float, metallic: float
) -> void:
	var node: MeshInstance3D = MeshInstance3D.new()
	var mesh: BoxMesh = BoxMesh.new()
	var paint: StandardMaterial3D = StandardMaterial3D.new()
	paint.shading_mode = BaseMaterial3D.SHADING_MODE_UNSHADED  # The picture is then the base colour, without light.
	paint.albedo_color = color
	paint.roughness = roughness
	paint.metallic = metallic
	mesh.size = box_size
	mesh.material = paint
	node.mesh = mesh
	node.position = center
	node.add_to_group("worldplate_" + label)
	add_child(node)
	_nodes.append(node)
	_boxes.append({
		"name": box_name, "center": center, "previous_center": center, "size": box_size,
		"label": _Stream.LABELS.find(label), "albedo": color.srgb_to_linear(), "roughness": roughness,
		"metallic": metallic,
	})
