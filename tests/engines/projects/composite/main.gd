extends SceneTree
## Runs the composite on cases that were written to a folder, and writes what it drew beside them.
##
## A case is a folder with case.json (size, mode, strength, layout) and raw files color, plate, target, source, carry.


func _initialize() -> void:
	var rd: RenderingDevice = RenderingServer.create_local_rendering_device()
	var composite: WorldplateComposite = WorldplateComposite.new()
	var folder: String = OS.get_cmdline_user_args()[0]
	var drawn: int = 0
	for name: String in DirAccess.get_directories_at(folder):
		_draw(rd, composite, folder.path_join(name))
		drawn += 1
	composite.release()
	rd.free()
	print("WORLDPLATE-END %d 0" % drawn)
	quit()


func _draw(rd: RenderingDevice, composite: WorldplateComposite, folder: String) -> void:
	var about: Dictionary = JSON.parse_string(FileAccess.get_file_as_string(folder.path_join("case.json")))
	var size: Vector2i = Vector2i(about["size"][0], about["size"][1])
	composite.configure(rd, size, about["layout"])
	composite.set_plate(1, _bytes(folder, "plate"))
	var color: RID = _texture(rd, size, _bytes(folder, "color"))
	var target: RID = _buffer(rd, _bytes(folder, "target"))
	var source: RID = _buffer(rd, _bytes(folder, "source"))
	var own: bool = about["mode"] in ["exact", "whole"]
	composite.draw(color, source if own else target, source, _bytes(folder, "carry"), about["mode"].begins_with("whole"),
		about["strength"])
	rd.submit()
	rd.sync()
	FileAccess.open(folder.path_join("drawn"), FileAccess.WRITE).store_buffer(rd.texture_get_data(color, 0))
	for id: RID in [color, target, source]:
		rd.free_rid(id)


func _bytes(folder: String, name: String) -> PackedByteArray:
	return FileAccess.get_file_as_bytes(folder.path_join(name))


func _buffer(rd: RenderingDevice, bytes: PackedByteArray) -> RID:
	return rd.storage_buffer_create(bytes.size(), bytes)


func _texture(rd: RenderingDevice, size: Vector2i, bytes: PackedByteArray) -> RID:
	var format: RDTextureFormat = RDTextureFormat.new()
	format.format = RenderingDevice.DATA_FORMAT_R16G16B16A16_SFLOAT
	format.width = size.x
	format.height = size.y
	format.usage_bits = (
		RenderingDevice.TEXTURE_USAGE_STORAGE_BIT | RenderingDevice.TEXTURE_USAGE_CAN_UPDATE_BIT
		| RenderingDevice.TEXTURE_USAGE_CAN_COPY_FROM_BIT)
	return rd.texture_create(format, RDTextureView.new(), [bytes])
