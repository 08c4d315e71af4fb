## One thing of the court while it is built: primitives of one label become one mesh, with collision boxes where it is solid.
##
## Sizes and places are in metres, in the parent's axes.
extends RefCounted

const Palette: GDScript = preload("palette.gd")

var label: String
var _palette: Palette
var _tools: Dictionary[Color, SurfaceTool] = {}
var _shapes: Array[Shape3D] = []
var _places: Array[Transform3D] = []


func _init(label_of_thing: String, palette: Palette) -> void:
	label = label_of_thing
	_palette = palette


## A box by its size and middle.
func box(size: Vector3, at: Vector3, color: Color, turn: Basis = Basis.IDENTITY) -> void:
	var place: Transform3D = Transform3D(turn, at)
	_tool(color).append_from(_box_mesh(size), 0, place)
	var shape: BoxShape3D = BoxShape3D.new()
	shape.size = size
	_keep(shape, place)


## A standing cylinder or cone by its radii and the middle of its foot.
func post(radius: float, top_radius: float, height: float, foot: Vector3, color: Color, sides: int = 10,
		turn: Basis = Basis.IDENTITY) -> void:
	var mesh: CylinderMesh = CylinderMesh.new()
	mesh.bottom_radius = radius
	mesh.top_radius = top_radius
	mesh.height = height
	mesh.radial_segments = sides
	mesh.rings = 0
	var place: Transform3D = Transform3D(turn, foot + turn * Vector3(0.0, height / 2.0, 0.0))
	_tool(color).append_from(mesh, 0, place)
	var shape: CylinderShape3D = CylinderShape3D.new()
	shape.radius = maxf(radius, top_radius)
	shape.height = height
	_keep(shape, place)


## A ball, or with `squash` an ellipsoid.
func ball(radius: float, at: Vector3, color: Color, squash: Vector3 = Vector3.ONE, sides: int = 12) -> void:
	var mesh: SphereMesh = SphereMesh.new()
	mesh.radius = radius
	mesh.height = 2.0 * radius
	mesh.radial_segments = sides
	mesh.rings = sides / 2
	_tool(color).append_from(mesh, 0, Transform3D(Basis.from_scale(squash), at))
	var shape: SphereShape3D = SphereShape3D.new()
	shape.radius = radius * minf(squash.x, minf(squash.y, squash.z))
	_keep(shape, Transform3D(Basis.IDENTITY, at))


## A flat triangle, seen from both sides where the material shows them.
func triangle(a: Vector3, b: Vector3, c: Vector3, color: Color) -> void:
	var arrays: Array = []
	arrays.resize(Mesh.ARRAY_MAX)
	var normal: Vector3 = (c - a).cross(b - a).normalized()
	arrays[Mesh.ARRAY_VERTEX] = PackedVector3Array([a, b, c])
	arrays[Mesh.ARRAY_NORMAL] = PackedVector3Array([normal, normal, normal])
	arrays[Mesh.ARRAY_TEX_UV] = PackedVector2Array([Vector2.ZERO, Vector2.ONE, Vector2.RIGHT])
	arrays[Mesh.ARRAY_INDEX] = PackedInt32Array([0, 1, 2])
	var mesh: ArrayMesh = ArrayMesh.new()
	mesh.add_surface_from_arrays(Mesh.PRIMITIVE_TRIANGLES, arrays)
	_tool(color).append_from(mesh, 0, Transform3D.IDENTITY)


func mesh_instance() -> MeshInstance3D:
	var mesh: ArrayMesh = ArrayMesh.new()
	for color: Color in _tools:
		_tools[color].set_material(_palette.material(label, color))
		_tools[color].commit(mesh)
	var instance: MeshInstance3D = MeshInstance3D.new()
	instance.mesh = mesh
	if label in ["water", "light", "glass", "ground"]:
		instance.cast_shadow = GeometryInstance3D.SHADOW_CASTING_SETTING_OFF
	return instance


## Ends the thing as a part of the scenery; a solid one stops bodies.
func stand(parent: Node3D, called: String, solid: bool = true) -> void:
	var instance: MeshInstance3D = mesh_instance()
	if not solid:
		_finish(instance, parent, called)
		return
	var body: StaticBody3D = StaticBody3D.new()
	_fill(body, instance)
	_finish(body, parent, called)


## Ends the thing as a body that moves, of so many kilograms.
func move(parent: Node3D, called: String, at: Transform3D, mass: float) -> RigidBody3D:
	var body: RigidBody3D = RigidBody3D.new()
	body.mass = mass
	body.transform = at
	body.angular_damp = 0.4
	_fill(body, mesh_instance())
	_finish(body, parent, called)
	return body


func _fill(body: PhysicsBody3D, instance: MeshInstance3D) -> void:
	instance.name = "Mesh"
	body.add_child(instance)
	for i: int in _shapes.size():
		var shape: CollisionShape3D = CollisionShape3D.new()
		shape.shape = _shapes[i]
		shape.transform = _places[i]
		body.add_child(shape)


func _finish(node: Node3D, parent: Node3D, called: String) -> void:
	node.name = called
	node.add_to_group("worldplate_" + label)
	parent.add_child(node, true)


func _keep(shape: Shape3D, place: Transform3D) -> void:
	_shapes.append(shape)
	_places.append(place)


func _tool(color: Color) -> SurfaceTool:
	if not _tools.has(color):
		var tool: SurfaceTool = SurfaceTool.new()
		tool.begin(Mesh.PRIMITIVE_TRIANGLES)
		_tools[color] = tool
	return _tools[color]


## A box whose texture coordinates are metres, so that slabs and tiles have one size everywhere.
static func _box_mesh(size: Vector3) -> ArrayMesh:
	var corners: PackedVector3Array = []
	var normals: PackedVector3Array = []
	var uvs: PackedVector2Array = []
	var indices: PackedInt32Array = []
	for axis: int in 3:
		for side: float in [-1.0, 1.0]:
			var first: int = corners.size()
			var u: int = 0 if axis == 2 else (axis + 2) % 3 if axis == 0 else 0
			var v: int = 3 - axis - u
			for corner: Vector2 in [Vector2(-1, -1), Vector2(1, -1), Vector2(1, 1), Vector2(-1, 1)]:
				var at: Vector3 = Vector3.ZERO
				at[axis] = side * size[axis] / 2.0
				at[u] = corner.x * size[u] / 2.0
				at[v] = corner.y * size[v] / 2.0
				corners.append(at)
				uvs.append(Vector2(at[u], -at[v]))
				var normal: Vector3 = Vector3.ZERO
				normal[axis] = side
				normals.append(normal)
			var across: Vector3 = (corners[first + 1] - corners[first]).cross(corners[first + 2] - corners[first])
			var outward: bool = across[axis] * side > 0.0  # The engine's front is clockwise.
			indices.append_array(PackedInt32Array([first, first + 2, first + 1, first, first + 3, first + 2]) if outward
				else PackedInt32Array([first, first + 1, first + 2, first, first + 2, first + 3]))
	var arrays: Array = []
	arrays.resize(Mesh.ARRAY_MAX)
	arrays[Mesh.ARRAY_VERTEX] = corners
	arrays[Mesh.ARRAY_NORMAL] = normals
	arrays[Mesh.ARRAY_TEX_UV] = uvs
	arrays[Mesh.ARRAY_INDEX] = indices
	var mesh: ArrayMesh = ArrayMesh.new()
	mesh.add_surface_from_arrays(Mesh.PRIMITIVE_TRIANGLES, arrays)
	return mesh
