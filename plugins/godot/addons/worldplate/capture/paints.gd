## What the materials of all mirrored things paint with. Each is looked at again in its turn: materials do
## not tell when they change.
@tool
extends RefCounted

const _Paint: GDScript = preload("res://addons/worldplate/capture/paint.gd")

var _paints: Dictionary[Material, Dictionary] = {}
var _uses: Dictionary[Material, int] = {}
var _order: Array[Material] = []
var _look: int = 0


## What [param material] paints with; it is looked after until it has been dropped as often as it was held.
func hold(material: Material) -> Dictionary:
	_uses[material] = _uses.get(material, 0) + 1
	if not _paints.has(material):
		_paints[material] = _Paint.of(material)
		_order.append(material)
	return _paints[material]


func drop(material: Material) -> void:
	_uses[material] -= 1
	if _uses[material] == 0:
		_uses.erase(material)
		_paints.erase(material)
		var at: int = _order.find(material)
		_order.remove_at(at)
		_look -= int(at <= _look)  # The next in turn stays the next.


## The next material in turn, when it does not paint as before; else null.
func look_again() -> Material:
	if _order.is_empty():
		return null
	_look = (_look + 1) % _order.size()
	var material: Material = _order[_look]
	var paint: Dictionary = _Paint.of(material)
	if paint == _paints[material]:
		return null
	_paints[material] = paint
	return material
