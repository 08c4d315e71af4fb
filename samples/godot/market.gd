## What the people of the court have put into it: stalls, barrels, pots, hedges, trees, lamps, and lines of pennants.
extends Node3D

const Palette: GDScript = preload("palette.gd")
const Thing: GDScript = preload("thing.gd")
const Court: GDScript = preload("court.gd")

var palette: Palette
var random: RandomNumberGenerator


func build() -> void:
	_stall(Vector3(7.6, 0.0, -6.2), -PI / 2.0, 0)
	_stall(Vector3(7.6, 0.0, -1.6), -PI / 2.0, 1)
	_stall(Vector3(7.6, 0.0, 3.0), -PI / 2.0, 2)
	_stall(Vector3(-4.2, 0.0, -9.3), 0.0, 3)
	for at: Vector3 in [Vector3(4.2, 0, -9.9), Vector3(4.9, 0, -9.75), Vector3(4.5, 0, -9.2), Vector3(9.3, 0, 5.9),
			Vector3(-1.2, 0, 10.2), Vector3(-9.5, 0, 4.6)]:
		_barrel(at)
	_garden()
	_tree(Vector3(-4.4, 0.0, 7.2), 2.3)
	_tree(Vector3(6.2, 0.0, 8.0), 2.0)
	for n: int in Court.BAYS:
		_lamp(Vector3(-8.5, 3.1, Court.ARCADE_NORTH + (n + 0.5) * Court.BAY_M), 0.8)
	for z: float in [-8.6, -3.9, 0.7, 5.6]:
		_bracket(Vector3(Court.HALF_W, 2.9, z))
	_pennants(Vector3(-6.7, 4.3, -6.0), Vector3(9.9, 5.1, -4.2), 0)
	_pennants(Vector3(-6.7, 4.3, 2.6), Vector3(9.9, 5.1, 0.4), 1)
	_pennants(Vector3(-6.7, 4.3, 5.2), Vector3(9.9, 5.1, 7.4), 2)
	for x: float in [-1.9, 1.9]:
		_banner(Vector3(x, 5.3, -Court.HALF_D + 0.12))


func _thing(label: String) -> Thing:
	return Thing.new(label, palette)


## A stall that faces its local +Z: four posts, a counter with crates of fruit, and a striped awning with a scalloped edge.
func _stall(foot: Vector3, turn: float, kind: int) -> void:
	var stall: Node3D = Node3D.new()
	stall.transform = Transform3D(Basis(Vector3.UP, turn), foot)
	stall.name = "Stall"
	add_child(stall, true)
	var wood: Thing = _thing("wood")
	for x: float in [-1.4, 1.4]:
		wood.box(Vector3(0.09, 2.25, 0.09), Vector3(x, 1.125, 0.75), Palette.WOOD_DARK)
		wood.box(Vector3(0.09, 2.7, 0.09), Vector3(x, 1.35, -0.75), Palette.WOOD_DARK)
	wood.box(Vector3(2.7, 0.07, 1.0), Vector3(0.0, 0.9, 0.2), Palette.WOOD)
	wood.box(Vector3(2.6, 0.8, 0.06), Vector3(0.0, 0.45, 0.6), Palette.WOOD)
	for x: float in [-1.27, 1.27]:
		wood.box(Vector3(0.06, 0.86, 0.85), Vector3(x, 0.43, 0.18), Palette.WOOD_DARK)
	wood.box(Vector3(2.7, 0.06, 0.35), Vector3(0.0, 1.6, -0.6), Palette.WOOD)
	wood.stand(stall, "Counter")
	_awning(stall, kind)
	for n: int in 4:
		_fruit(stall, Vector3(-0.96 + 0.64 * n, 0.935, 0.25), (kind + n) % 5)
	var goods: Thing = _thing("plastic")
	for n: int in 7:
		var tall: float = random.randf_range(0.16, 0.34)
		goods.post(0.08, 0.05, tall, Vector3(-1.1 + 0.36 * n, 1.63, -0.6), Palette.TOYS[(n + kind) % 5].lerp(Palette.STONE, 0.35))
	goods.stand(stall, "Goods", false)


func _awning(stall: Node3D, kind: int) -> void:
	var awning: Thing = _thing("fabric")
	var color: Color = Palette.FABRICS[kind]
	var lean: Basis = Basis(Vector3.RIGHT, atan2(0.5, 2.1))
	for n: int in 10:
		var strip: Color = color if n % 2 == 0 else Palette.CREAM
		var x: float = -1.53 + 0.34 * n
		awning.box(Vector3(0.34, 0.025, 2.16), Vector3(x, 2.51, 0.12), strip, lean)
		var y: float = 2.27
		awning.triangle(Vector3(x - 0.17, y, 1.16), Vector3(x + 0.17, y, 1.16), Vector3(x - 0.17, y - 0.18, 1.16), strip)
		awning.triangle(Vector3(x + 0.17, y, 1.16), Vector3(x + 0.17, y - 0.18, 1.16), Vector3(x - 0.17, y - 0.18, 1.16), strip)
		awning.triangle(Vector3(x - 0.17, y - 0.18, 1.16), Vector3(x + 0.17, y - 0.18, 1.16), Vector3(x, y - 0.29, 1.16), strip)
	awning.stand(stall, "Awning", false)


func _fruit(stall: Node3D, at: Vector3, kind: int) -> void:
	var crate: Thing = _thing("wood")
	for side: float in [-1.0, 1.0]:
		crate.box(Vector3(0.56, 0.16, 0.025), at + Vector3(0, 0.08, side * 0.2), Palette.WOOD_DARK)
		crate.box(Vector3(0.025, 0.16, 0.4), at + Vector3(side * 0.27, 0.08, 0), Palette.WOOD_DARK)
	crate.stand(stall, "FruitCrate", false)
	var fruit: Thing = _thing("foliage" if kind == 3 else "plastic")
	var color: Color = [Color("c8442f"), Color("e0902f"), Color("e6c24a"), Color("6f9440"), Color("8c3f5c")][kind]
	for row: int in 3:
		for n: int in 4:
			var shift: Vector3 = Vector3(-0.195 + 0.13 * n, 0.12 + random.randf_range(0.0, 0.03), -0.125 + 0.125 * row)
			fruit.ball(0.072, at + shift, color.lerp(Palette.CREAM, 0.12 * ((n + row) % 2)), Vector3.ONE, 8)
	fruit.stand(stall, "Fruit", false)


func _barrel(foot: Vector3) -> void:
	var barrel: Thing = _thing("wood")
	barrel.post(0.26, 0.32, 0.45, foot, Palette.WOOD, 14)
	barrel.post(0.32, 0.26, 0.45, foot + Vector3(0, 0.45, 0), Palette.WOOD, 14)
	barrel.stand(self, "Barrel")
	var hoops: Thing = _thing("metal")
	for y: float in [0.12, 0.72]:
		hoops.post(0.3, 0.3, 0.05, foot + Vector3(0, y, 0), Palette.METAL, 14)
	hoops.stand(self, "Hoops", false)


func _garden() -> void:
	for place: Array in [[Vector3(1.9, 0, 10.35), 4.2, true], [Vector3(-6.6, 0, 10.35), 4.0, true],
			[Vector3(-3.1, 0, 3.3), 1.8, false], [Vector3(3.1, 0, 3.9), 1.8, false]]:
		_hedge(place[0], place[1], place[2])
	for at: Vector3 in [Vector3(-1.75, 0, -10.3), Vector3(1.75, 0, -10.3), Vector3(9.45, 0, 7.6), Vector3(9.45, 0, 9.6),
			Vector3(-9.5, 0, -9.6), Vector3(-9.5, 0, 1.4)]:
		_pot(at)


## A planted stone box, along x or along z.
func _hedge(foot: Vector3, long: float, along_x: bool) -> void:
	var turn: Basis = Basis.IDENTITY if along_x else Basis(Vector3.UP, PI / 2.0)
	var stone: Thing = _thing("stone")
	stone.box(Vector3(long, 0.45, 0.8), foot + Vector3(0, 0.225, 0), Palette.STONE_DARK, turn)
	stone.box(Vector3(long + 0.1, 0.08, 0.9), foot + Vector3(0, 0.47, 0), Palette.STONE, turn)
	stone.stand(self, "Planter")
	var leaves: Thing = _thing("foliage")
	var count: int = int(long / 0.36)
	for n: int in count:
		var x: float = lerpf(-long / 2.0 + 0.32, long / 2.0 - 0.32, float(n) / (count - 1))
		var at: Vector3 = foot + turn * Vector3(x, 0.6 + random.randf_range(0.0, 0.1), random.randf_range(-0.06, 0.06))
		leaves.ball(0.34, at, Palette.GREENS[n % 3], Vector3(1.0, random.randf_range(0.9, 1.25), 1.0), 10)
	leaves.stand(self, "Hedge", false)
	var flowers: Thing = _thing("plastic")
	for n: int in int(long * 5.0):
		var at: Vector3 = Vector3(random.randf_range(-0.45, 0.45) * long, random.randf_range(0.72, 0.9), 0.3 * signf(random.randf() - 0.5))
		flowers.ball(0.045, foot + turn * at, [Color("d8607a"), Color("e8d8c0"), Color("d89a3c")][n % 3], Vector3.ONE, 6)
	flowers.stand(self, "Flowers", false)


func _pot(foot: Vector3) -> void:
	var pot: Thing = _thing("stone")
	pot.post(0.2, 0.3, 0.45, foot, Color("b0664a"), 14)
	pot.post(0.33, 0.33, 0.07, foot + Vector3(0, 0.42, 0), Color("bd7355"), 14)
	pot.stand(self, "Pot")
	var leaves: Thing = _thing("foliage")
	for n: int in 5:
		var turn: Basis = Basis(Vector3.UP, TAU * n / 5.0)
		leaves.ball(0.2, foot + turn * Vector3(0.13, 0.68 + 0.14 * (n % 2), 0), Palette.GREENS[n % 3], Vector3.ONE, 10)
	leaves.ball(0.22, foot + Vector3(0, 1.0, 0), Palette.GREENS[1], Vector3(0.9, 1.3, 0.9), 10)
	leaves.stand(self, "Shrub", false)


func _tree(foot: Vector3, tall: float) -> void:
	var ring: Thing = _thing("stone")
	for n: int in 8:
		var turn: Basis = Basis(Vector3.UP, TAU * n / 8.0)
		ring.box(Vector3(0.76, 0.3, 0.18), foot + turn * Vector3(0, 0.15, 0.85), Palette.STONE, turn)
	ring.stand(self, "TreeRing")
	var soil: Thing = _thing("ground")
	soil.post(0.84, 0.84, 0.2, foot, Color("6b5644"), 16)
	soil.stand(self, "Soil", false)
	var wood: Thing = _thing("wood")
	wood.post(0.19, 0.12, tall, foot + Vector3(0, 0.1, 0), Color("6a5140"), 10)
	for n: int in 4:
		var turn: Basis = Basis(Vector3.UP, TAU * n / 4.0 + 0.4) * Basis(Vector3.RIGHT, 0.65)
		wood.post(0.08, 0.04, 1.2, foot + Vector3(0, tall - 0.15, 0), Color("6a5140"), 8, turn)
	wood.stand(self, "Trunk")
	var leaves: Thing = _thing("foliage")
	for n: int in 15:
		var turn: Basis = Basis(Vector3.UP, 2.4 * n)
		var high: float = float(n) / 14.0
		var out: float = 1.15 * sqrt(1.0 - high * high * 0.9) * (0.55 + 0.45 * float(n % 2))
		var at: Vector3 = foot + Vector3(0, tall + 0.35 + 1.9 * high, 0) + turn * Vector3(out, 0, 0)
		leaves.ball(random.randf_range(0.58, 0.8), at, Palette.GREENS[n % 3], Vector3(1.0, 0.8, 1.0), 12)
	leaves.stand(self, "Crown", false)


## A lantern on a rod that hangs from `hook`.
func _lamp(hook: Vector3, rod: float) -> void:
	var metal: Thing = _thing("metal")
	metal.post(0.015, 0.015, rod, hook - Vector3(0, rod, 0) + Vector3(0, 0.4, 0), Palette.METAL, 6)
	metal.post(0.17, 0.03, 0.12, hook - Vector3(0, rod - 0.4, 0), Palette.METAL, 8)
	metal.post(0.13, 0.13, 0.04, hook - Vector3(0, rod - 0.12, 0), Palette.METAL, 8)
	metal.stand(self, "Lantern", false)
	var light: Thing = _thing("light")
	light.post(0.1, 0.13, 0.24, hook - Vector3(0, rod - 0.16, 0), Palette.LAMP, 8)
	light.stand(self, "Light", false)


## A lantern on an arm out of the east wall.
func _bracket(at: Vector3) -> void:
	var metal: Thing = _thing("metal")
	metal.box(Vector3(0.7, 0.04, 0.04), at + Vector3(-0.35, 0.4, 0), Palette.METAL)
	metal.box(Vector3(0.6, 0.03, 0.03), at + Vector3(-0.25, 0.18, 0), Palette.METAL, Basis(Vector3.BACK, -0.75))
	metal.stand(self, "Bracket", false)
	_lamp(at + Vector3(-0.6, 0.0, 0), 0.35)


## A sagging line with small flags.
func _pennants(from: Vector3, to: Vector3, first: int) -> void:
	var line: Thing = _thing("fabric")
	var count: int = 26
	for n: int in count:
		var a: Vector3 = _sag(from, to, (n + 0.1) / count)
		var b: Vector3 = _sag(from, to, (n + 0.9) / count)
		var tip: Vector3 = (a + b) / 2.0 - Vector3(0, 0.42, 0)
		line.triangle(a, b, tip, Palette.CREAM if n % 5 == 4 else Palette.FABRICS[(n + first) % 4])
		var cord: Vector3 = _sag(from, to, float(n + 1) / count) - _sag(from, to, float(n) / count)
		line.box(Vector3(cord.length(), 0.02, 0.02), (a + b) / 2.0, Palette.CREAM, Basis(Quaternion(Vector3.RIGHT, cord.normalized())))
	line.stand(self, "Pennants", false)


static func _sag(from: Vector3, to: Vector3, part: float) -> Vector3:
	return from.lerp(to, part) - Vector3(0, 4.0 * 0.7 * part * (1.0 - part), 0)


func _banner(top: Vector3) -> void:
	var cloth: Thing = _thing("fabric")
	for n: int in 3:
		var color: Color = Palette.FABRICS[0] if n != 1 else Palette.CREAM
		cloth.box(Vector3(0.24, 2.0, 0.02), top + Vector3(-0.24 + 0.24 * n, -1.0, 0.12), color)
	cloth.stand(self, "Banner", false)
	var rod: Thing = _thing("metal")
	rod.box(Vector3(0.95, 0.05, 0.05), top + Vector3(0, 0.0, 0.12), Palette.METAL)
	rod.box(Vector3(0.05, 0.05, 0.26), top + Vector3(0, 0.0, 0.0), Palette.METAL)
	rod.stand(self, "BannerRod", false)
