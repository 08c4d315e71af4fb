## The bodies on the engine's physics: balls, crates and a cart. One of them is kicked now and then, so that something
## always moves. The same seed kicks the same ones.
extends Node3D

const Palette: GDScript = preload("palette.gd")
const Thing: GDScript = preload("thing.gd")

const KICK_S: float = 0.8
const REACH_M: float = 9.0  # Kicks go towards the middle from beyond this.

var palette: Palette
var random: RandomNumberGenerator
var all: Array[RigidBody3D] = []

var _kick_in_s: float = 0.3


func build() -> void:
	for n: int in 9:
		var radius: float = [0.18, 0.28, 0.22][n % 3]
		_ball(radius, Vector3(-3.0 + 0.9 * n, 0.6 + 0.5 * (n % 3), 1.6 + 0.4 * (n % 2)), Palette.TOYS[n % 5])
	for place: Vector3 in [Vector3(3.6, 0.31, -4.4), Vector3(4.3, 0.31, -4.3), Vector3(3.95, 0.93, -4.35), Vector3(-5.2, 0.31, -6.4),
			Vector3(-5.3, 0.93, -6.4), Vector3(2.6, 0.31, 6.6)]:
		_crate(place)
	_cart(Vector3(-3.2, 0.0, -5.6))


func _physics_process(delta: float) -> void:
	_kick_in_s -= delta
	if _kick_in_s > 0.0 or all.is_empty():
		return
	_kick_in_s = KICK_S
	var body: RigidBody3D = all[random.randi_range(0, all.size() - 1)]
	var away: float = random.randf_range(-PI, PI)
	var push: Vector3 = Vector3(cos(away), 0.0, sin(away))
	if body.position.length() > REACH_M * 0.6:
		push = -Vector3(body.position.x, 0.0, body.position.z).normalized()
	body.apply_central_impulse((push * random.randf_range(1.6, 3.0) + Vector3.UP * 1.8) * body.mass)


func _ball(radius: float, at: Vector3, color: Color) -> void:
	var ball: Thing = Thing.new("plastic", palette)
	ball.ball(radius, Vector3.ZERO, color, Vector3.ONE, 20)
	var body: RigidBody3D = ball.move(self, "Ball", Transform3D(Basis.IDENTITY, at), 0.6)
	var bounce: PhysicsMaterial = PhysicsMaterial.new()
	bounce.bounce = 0.6
	body.physics_material_override = bounce
	body.continuous_cd = true
	all.append(body)


func _crate(at: Vector3) -> void:
	var crate: Thing = Thing.new("wood", palette)
	crate.box(Vector3(0.54, 0.54, 0.54), Vector3.ZERO, Palette.WOOD)
	for y: float in [-1.0, 1.0]:
		for side: float in [-1.0, 1.0]:
			crate.box(Vector3(0.62, 0.09, 0.06), Vector3(0, y * 0.265, side * 0.28), Palette.WOOD_DARK)
			crate.box(Vector3(0.06, 0.09, 0.5), Vector3(side * 0.28, y * 0.265, 0), Palette.WOOD_DARK)
	all.append(crate.move(self, "Crate", Transform3D(Basis.IDENTITY, at), 4.0))


## A hand cart that lies as it is pushed: its wheels do not turn.
func _cart(foot: Vector3) -> void:
	var cart: Thing = Thing.new("vehicle", palette)
	cart.box(Vector3(1.5, 0.07, 0.85), Vector3(0, 0.52, 0), Palette.WOOD)
	for side: float in [-1.0, 1.0]:
		cart.box(Vector3(1.5, 0.28, 0.05), Vector3(0, 0.68, side * 0.4), Palette.WOOD)
		cart.box(Vector3(0.05, 0.28, 0.75), Vector3(side * 0.72, 0.68, 0), Palette.WOOD_DARK)
		cart.box(Vector3(1.0, 0.05, 0.05), Vector3(1.2, 0.6, side * 0.32), Palette.WOOD_DARK)
		for x: float in [-0.45, 0.45]:
			cart.post(0.26, 0.26, 0.07, Vector3(x, 0.26, side * 0.47 - 0.035 + 0.035 * side), Palette.WOOD_DARK, 16, Basis(Vector3.RIGHT, PI / 2.0))
	all.append(cart.move(self, "Cart", Transform3D(Basis(Vector3.UP, 0.5), foot + Vector3(0, 0.02, 0)), 12.0))
