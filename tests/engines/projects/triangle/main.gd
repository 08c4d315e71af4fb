extends Node3D
## Draws one red triangle on black and looks at the pixels of the screen: inside, outside.


func _ready() -> void:
	RenderingServer.set_default_clear_color(Color.BLACK)
	var camera: Camera3D = Camera3D.new()
	camera.position.z = 2.0
	add_child(camera)
	add_child(_triangle())
	for i: int in 3:
		await RenderingServer.frame_post_draw
	var image: Image = get_viewport().get_texture().get_image()
	image.save_png(OS.get_cmdline_user_args()[0])
	var middle: Color = image.get_pixelv(image.get_size() / 2)
	var corner: Color = image.get_pixel(2, 2)
	var right: int = int(middle.is_equal_approx(Color.RED)) + int(corner.is_equal_approx(Color.BLACK))
	print("middle ", middle, " corner ", corner, " on ", RenderingServer.get_video_adapter_name())
	print("WORLDPLATE-END %d %d" % [right, 2 - right])
	get_tree().quit()


func _triangle() -> MeshInstance3D:
	var arrays: Array = []
	arrays.resize(Mesh.ARRAY_MAX)
	arrays[Mesh.ARRAY_VERTEX] = PackedVector3Array([Vector3(-1, -1, 0), Vector3(0, 1, 0), Vector3(1, -1, 0)])
	var mesh: ArrayMesh = ArrayMesh.new()
	mesh.add_surface_from_arrays(Mesh.PRIMITIVE_TRIANGLES, arrays)
	var material: StandardMaterial3D = StandardMaterial3D.new()
	material.shading_mode = BaseMaterial3D.SHADING_MODE_UNSHADED
	material.albedo_color = Color.RED
	var instance: MeshInstance3D = MeshInstance3D.new()
	instance.mesh = mesh
	instance.material_override = material
	return instance
