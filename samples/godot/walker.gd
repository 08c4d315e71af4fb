## The camera. It walks round the court at eye height and looks about; Tab gives it to the user, who flies with W, A, S, D,
## Q, E and looks with the right mouse button held.
extends Camera3D

const SPEED_M_S: float = 1.2
const FLY_M_S: float = 4.0
const EYE_M: float = 1.65
# Where it walks and what it looks at from there.
const KEYS: Array[Array] = [
	[Vector3(1.0, 0, 8.4), Vector3(-1.0, 1.9, -4.0)],
	[Vector3(-1.0, 0, 5.6), Vector3(-3.5, 2.0, -6.0)],
	[Vector3(-4.6, 0, 4.0), Vector3(-6.0, 1.9, -6.0)],
	[Vector3(-6.0, 0, 1.6), Vector3(-4.0, 1.8, -8.0)],
	[Vector3(-5.4, 0, -1.6), Vector3(-1.0, 1.8, -7.5)],
	[Vector3(-3.6, 0, -4.4), Vector3(2.6, 1.7, -8.0)],
	[Vector3(-0.4, 0, -6.2), Vector3(7.0, 1.6, -6.0)],
	[Vector3(3.0, 0, -5.9), Vector3(8.0, 1.6, -2.0)],
	[Vector3(4.9, 0, -3.4), Vector3(7.6, 1.5, 3.0)],
	[Vector3(5.2, 0, 0.4), Vector3(4.0, 1.6, 9.0)],
	[Vector3(4.8, 0, 3.6), Vector3(-1.5, 1.7, 6.5)],
	[Vector3(3.6, 0, 6.6), Vector3(-4.0, 1.8, 1.0)],
]

var walked_m: float = 0.0
var flying: bool = false

var _starts_m: PackedFloat64Array = [0.0]  # Of each key along the path, and the whole length last.


func _ready() -> void:
	fov = 62.0
	near = 0.08
	far = 120.0
	for n: int in KEYS.size():
		var length_m: float = 0.0
		for step: int in 20:
			length_m += _between(n, step / 20.0, 0).distance_to(_between(n, (step + 1) / 20.0, 0))
		_starts_m.append(_starts_m[-1] + length_m)
	_stand()


func _process(delta: float) -> void:
	if flying:
		_fly(delta)
	else:
		walked_m += SPEED_M_S * delta
		_stand()


func _unhandled_input(event: InputEvent) -> void:
	var key: InputEventKey = event as InputEventKey
	if key != null and key.pressed and key.keycode == KEY_TAB:
		flying = not flying
	var mouse: InputEventMouseMotion = event as InputEventMouseMotion
	if flying and mouse != null and mouse.button_mask & MOUSE_BUTTON_MASK_RIGHT:
		rotation.y -= mouse.relative.x * 0.004
		rotation.x = clampf(rotation.x - mouse.relative.y * 0.004, -1.5, 1.5)


func _stand() -> void:
	var along_m: float = fposmod(walked_m, _starts_m[-1])
	var key: int = _starts_m.bsearch(along_m, false) - 1
	var part: float = (along_m - _starts_m[key]) / (_starts_m[key + 1] - _starts_m[key])
	var eye: Vector3 = _between(key, part, 0)
	eye.y = EYE_M + 0.012 * sin(walked_m * TAU / 0.75)
	look_at_from_position(eye, _between(key, part, 1))


## A point of the path (`what` 0) or of the looks (1), a part of the way from one key to the next.
static func _between(key: int, part: float, what: int) -> Vector3:
	var count: int = KEYS.size()
	var from: Vector3 = KEYS[key][what]
	return from.cubic_interpolate(KEYS[(key + 1) % count][what], KEYS[(key + count - 1) % count][what], KEYS[(key + 2) % count][what], part)


func _fly(delta: float) -> void:
	var way: Vector3 = Vector3.ZERO
	for held: Array in [[KEY_W, Vector3.FORWARD], [KEY_S, Vector3.BACK], [KEY_A, Vector3.LEFT], [KEY_D, Vector3.RIGHT],
			[KEY_Q, Vector3.DOWN], [KEY_E, Vector3.UP]]:
		if Input.is_physical_key_pressed(held[0]):
			way += held[1]
	translate_object_local(way.limit_length() * FLY_M_S * delta)
