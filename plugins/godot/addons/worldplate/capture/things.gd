## Object ids and labels of nodes: ids count from 1 in the order of being seen, a body and all its meshes share one.
@tool
extends RefCounted

const LABELS: PackedStringArray = [
	"unknown", "sky", "ground", "wall", "stone", "roof", "wood", "metal", "fabric", "foliage", "plastic", "water",
	"glass", "character", "vehicle", "light",
]

var _ids: Dictionary[int, int] = {}  # By instance id of the owning node.


func id_of(node: Node) -> int:
	return _ids.get_or_add(_owner_of(node).get_instance_id(), _ids.size() + 1)


## The id of an object that has been seen; 0 for others.
func known_id(object: Object) -> int:
	return _ids.get(object.get_instance_id(), 0) if object != null else 0


## The label of the nearest group worldplate_<label> on the node or above it; 0 unknown.
static func label_of(node: Node) -> int:
	var at: Node = node
	while at != null:
		for group: StringName in at.get_groups():
			if group.begins_with("worldplate_"):
				var label: int = LABELS.find(group.trim_prefix("worldplate_"))
				if label >= 0:
					return label
		at = at.get_parent()
	return 0


## The physics body that moves a node; the node itself when there is none.
static func _owner_of(node: Node) -> Node:
	var at: Node = node
	while at != null:
		if at is PhysicsBody3D:
			return at
		at = at.get_parent()
	return node
