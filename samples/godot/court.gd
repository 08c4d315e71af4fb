## The buildings round the court: paving, four walls with windows and doors, an arcade, roofs, a tower, a fountain.
##
## North is -Z. The inner faces of the walls are at x = -HALF_W and HALF_W, z = -HALF_D and HALF_D.
extends Node3D

const Palette: GDScript = preload("palette.gd")
const Thing: GDScript = preload("thing.gd")

const HALF_W: float = 10.0
const HALF_D: float = 11.0
const FOUNTAIN: Vector3 = Vector3(0.0, 0.0, -2.0)
const ARCADE_X: float = -7.0  # Middle of the arcade's pillars.
const BAYS: int = 5
const BAY_M: float = 2.9
const ARCADE_NORTH: float = -9.0  # Middle of its first pillar.

var palette: Palette


func build() -> void:
	_ground()
	_house("North", Vector3(2.0 * HALF_W + 1.2, 6.6, 0.6), Vector3(0.0, 0.0, -HALF_D - 0.3), Palette.WALLS[0])
	_house("South", Vector3(2.0 * HALF_W + 1.2, 5.2, 0.6), Vector3(0.0, 0.0, HALF_D + 0.3), Palette.WALLS[2])
	_house("West", Vector3(0.6, 7.4, 2.0 * HALF_D), Vector3(-HALF_W - 0.3, 0.0, 0.0), Palette.WALLS[2])
	_house("East", Vector3(0.6, 5.6, 2.0 * HALF_D), Vector3(HALF_W + 0.3, 0.0, 0.0), Palette.WALLS[1])
	_openings()
	_arcade()
	_fountain()
	_tower()


func _thing(label: String) -> Thing:
	return Thing.new(label, palette)


func _ground() -> void:
	var paving: Thing = _thing("ground")
	paving.box(Vector3(2.0 * HALF_W + 1.2, 1.0, 2.0 * HALF_D + 1.2), Vector3(0.0, -0.5, 0.0), Palette.PAVING)
	paving.stand(self, "Paving")
	var ring: Thing = _thing("stone")  # A band of lighter slabs round the fountain, a finger high.
	for n: int in 20:
		var turn: Basis = Basis(Vector3.UP, TAU * n / 20.0)
		var color: Color = Palette.STONE if n % 2 == 0 else Palette.STONE_DARK
		ring.box(Vector3(0.91, 0.03, 0.6), FOUNTAIN + turn * Vector3(0.0, 0.003 + 0.006 * (n % 2), 2.6), color, turn)
	ring.stand(self, "Ring", false)


## A wall with a plinth, a cornice and a roof that leans in over it.
func _house(called: String, size: Vector3, foot: Vector3, color: Color) -> void:
	var along_x: bool = size.x > size.z
	var inward: Vector3 = Vector3(0, 0, -signf(foot.z)) if along_x else Vector3(-signf(foot.x), 0, 0)
	var long: Vector3 = Vector3(size.x, 0, 0) if along_x else Vector3(0, 0, size.z)
	var thin: Vector3 = inward.abs()
	var wall: Thing = _thing("wall")
	wall.box(size, foot + Vector3(0, size.y / 2.0, 0), color)
	wall.stand(self, called + "Wall")
	var trim: Thing = _thing("stone")
	trim.box(long + thin * 0.72 + Vector3(0, 0.55, 0), foot + Vector3(0, 0.275, 0), Palette.STONE_DARK)
	trim.box(long + thin * 0.9 + Vector3(0, 0.22, 0), foot + Vector3(0, size.y - 0.11, 0), Palette.STONE)
	trim.stand(self, called + "Trim")
	var roof: Thing = _thing("roof")
	var lean: Basis = Basis(Vector3.UP.cross(inward).normalized(), deg_to_rad(24.0))
	roof.box(long + thin * 3.4 + Vector3(0, 0.16, 0), foot - inward * 0.9 + Vector3(0, size.y + 0.42, 0), Palette.ROOF, lean)
	roof.stand(self, called + "Roof", false)


func _openings() -> void:
	for x: float in [-6.2, -3.4, 3.4, 6.2]:
		_window(Vector3(x, 4.6, -HALF_D), Vector3.BACK, Palette.DOORS[0])
	_window(Vector3(0.0, 4.9, -HALF_D), Vector3.BACK, Palette.DOORS[0], Vector2(1.3, 1.7))
	for x: float in [-5.6, 5.6]:
		_window(Vector3(x, 1.9, -HALF_D), Vector3.BACK, Palette.DOORS[0], Vector2(0.9, 1.1))
	for z: float in [-7.6, -4.0, -0.4, 3.2, 6.8]:
		_window(Vector3(-HALF_W, 6.15, z), Vector3.RIGHT, Palette.DOORS[1], Vector2(0.9, 1.2))
	for z: float in [-6.0, -2.0, 2.0, 6.0]:
		_window(Vector3(HALF_W, 4.0, z), Vector3.LEFT, Palette.DOORS[2])
	for x: float in [-6.0, 0.0, 6.0]:
		_window(Vector3(x, 3.6, HALF_D), Vector3.FORWARD, Palette.DOORS[1])
	_door(Vector3(0.0, 0.0, -HALF_D), Vector3.BACK, Vector2(2.4, 2.9), Palette.WOOD_DARK)
	_door(Vector3(-2.2, 0.0, HALF_D), Vector3.FORWARD, Vector2(1.1, 2.1), Palette.DOORS[0])
	_door(Vector3(HALF_W, 0.0, 8.6), Vector3.LEFT, Vector2(1.0, 2.1), Palette.DOORS[2])
	for z: float in [-6.1, -0.3, 3.0]:
		_door(Vector3(-HALF_W, 0.0, z), Vector3.RIGHT, Vector2(1.0, 2.1), Palette.DOORS[1])


## A window with frame, sill, a bar and open shutters, in a wall that faces `out`; `at` is its middle on the wall.
func _window(at: Vector3, out: Vector3, color: Color, size: Vector2 = Vector2(1.0, 1.4)) -> void:
	var turn: Basis = Basis.looking_at(-out)
	var glass: Thing = _thing("glass")
	glass.box(Vector3(size.x, size.y, 0.04), at + out * 0.01, Palette.GLASS, turn)
	glass.stand(self, "Pane", false)
	var frame: Thing = _thing("stone")
	for side: float in [-1.0, 1.0]:
		frame.box(Vector3(0.12, size.y + 0.24, 0.16), at + turn * Vector3(side * (size.x / 2.0 + 0.06), 0, 0), Palette.STONE, turn)
		frame.box(Vector3(size.x, 0.12, 0.14), at + Vector3(0, side * (size.y / 2.0 + 0.06), 0), Palette.STONE, turn)
	frame.box(Vector3(size.x + 0.5, 0.09, 0.3), at + out * 0.08 - Vector3(0, size.y / 2.0 + 0.165, 0), Palette.STONE, turn)
	frame.stand(self, "Frame", false)
	var wood: Thing = _thing("wood")
	wood.box(Vector3(0.05, size.y, 0.06), at + out * 0.02, Palette.CREAM, turn)
	wood.box(Vector3(size.x, 0.05, 0.055), at + out * 0.02 + Vector3(0, size.y * 0.12, 0), Palette.CREAM, turn)
	for side: float in [-1.0, 1.0]:
		var hinge: Vector3 = turn * Vector3(side * (size.x * 0.75 + 0.14), 0, 0)
		wood.box(Vector3(size.x / 2.0, size.y + 0.1, 0.05), at + hinge + out * 0.06, color, turn)
		for y: float in [-0.3, 0.3]:
			wood.box(Vector3(size.x / 2.0 - 0.1, size.y * 0.42, 0.02), at + hinge + out * 0.09 + Vector3(0, y * size.y * 0.8, 0),
				color.darkened(0.12), turn)
	wood.stand(self, "Shutters", false)


## A double door under an arched lintel; `foot` is the middle of its sill.
func _door(foot: Vector3, out: Vector3, size: Vector2, color: Color) -> void:
	var turn: Basis = Basis.looking_at(-out)
	var door: Thing = _thing("wood")
	for side: float in [-1.0, 1.0]:
		var leaf: Vector3 = foot + turn * Vector3(side * size.x / 4.0, 0, 0) + Vector3(0, size.y / 2.0, 0)
		door.box(Vector3(size.x / 2.0 - 0.02, size.y, 0.1), leaf, color, turn)
		for y: float in [-0.24, 0.24]:
			door.box(Vector3(size.x / 2.0 - 0.24, size.y * 0.34, 0.04), leaf + out * 0.06 + Vector3(0, y * size.y, 0),
				color.lightened(0.1), turn)
	door.stand(self, "Door", false)
	var frame: Thing = _thing("stone")
	for side: float in [-1.0, 1.0]:
		frame.box(Vector3(0.24, size.y + 0.01, 0.34), foot + turn * Vector3(side * (size.x / 2.0 + 0.12), 0, 0)
			+ Vector3(0, size.y / 2.0, 0), Palette.STONE, turn)
	frame.box(Vector3(size.x + 0.7, 0.3, 0.42), foot + Vector3(0, size.y + 0.15, 0), Palette.STONE, turn)
	frame.box(Vector3(size.x + 0.5, 0.1, 0.7), foot + out * 0.1 + Vector3(0, 0.05, 0), Palette.STONE_DARK, turn)
	frame.stand(self, "DoorFrame", false)


## Pillars, round arches of wedge stones, the wall above them, and a lean-to roof.
func _arcade() -> void:
	var springing: float = 2.2
	var radius: float = BAY_M / 2.0 - 0.3
	var top: float = springing + radius + 0.55
	for n: int in BAYS + 1:
		_pillar(Vector3(ARCADE_X, 0.0, ARCADE_NORTH + n * BAY_M), springing)
	for n: int in BAYS:
		_arch(Vector3(ARCADE_X, springing, ARCADE_NORTH + (n + 0.5) * BAY_M), radius, top)
	var middle: float = ARCADE_NORTH + BAYS * BAY_M / 2.0
	var long: float = BAYS * BAY_M + 0.7
	var band: Thing = _thing("stone")
	band.box(Vector3(0.66, 0.2, long + 0.1), Vector3(ARCADE_X, top + 0.1, middle), Palette.STONE)
	band.stand(self, "ArcadeBand")
	var reach: float = HALF_W + ARCADE_X
	var roof: Thing = _thing("roof")
	var rise: float = 0.75
	var turn: Basis = Basis(Vector3.BACK, -atan2(rise, reach))
	roof.box(Vector3(Vector2(reach, rise).length() + 0.7, 0.14, long + 0.5),
		Vector3(-HALF_W + reach / 2.0 + 0.2, top + 0.2 + rise / 2.0 + 0.1, middle), Palette.ROOF, turn)
	roof.stand(self, "ArcadeRoof", false)


func _pillar(foot: Vector3, height: float) -> void:
	var pillar: Thing = _thing("stone")
	pillar.box(Vector3(0.62, 0.3, 0.62), foot + Vector3(0, 0.15, 0), Palette.STONE_DARK)
	pillar.post(0.24, 0.21, height - 0.55, foot + Vector3(0, 0.3, 0), Palette.STONE, 14)
	pillar.post(0.22, 0.31, 0.13, foot + Vector3(0, height - 0.25, 0), Palette.STONE, 14)
	pillar.box(Vector3(0.66, 0.12, 0.66), foot + Vector3(0, height - 0.06, 0), Palette.STONE_DARK)
	pillar.stand(self, "Pillar")


## The arch over one bay and the wall above it, in slices that follow the curve; `at`: middle of its springing line.
func _arch(at: Vector3, radius: float, top: float) -> void:
	var stones: Thing = _thing("stone")
	var count: int = 11
	for k: int in count:
		var angle: float = PI * (k + 0.5) / count
		var out: Vector3 = Vector3(0.0, sin(angle), -cos(angle))
		var color: Color = Palette.STONE if k % 2 == 0 else Palette.STONE.darkened(0.08)
		stones.box(Vector3(0.56 + 0.03 * (k % 2), 0.3, (radius + 0.3) * tan(PI / (2 * count)) * 1.96),
			at + out * (radius + 0.15), color, Basis(Vector3.RIGHT, angle - PI / 2.0))
	stones.stand(self, "Arch", false)
	var wall: Thing = _thing("wall")
	var slices: int = 14
	for k: int in slices:
		var z: float = lerpf(-BAY_M / 2.0, BAY_M / 2.0, (k + 0.5) / slices)
		var rise: float = sqrt(maxf((radius + 0.15) ** 2 - z * z, 0.0))
		var low: float = at.y + rise
		wall.box(Vector3(0.44, top - low, BAY_M / slices), Vector3(at.x, (top + low) / 2.0, at.z + z), Palette.WALLS[0])
	wall.stand(self, "Spandrel", false)


func _fountain() -> void:
	var stone: Thing = _thing("stone")
	for n: int in 12:
		var turn: Basis = Basis(Vector3.UP, TAU * n / 12.0)
		stone.box(Vector3(0.86, 0.5, 0.2), FOUNTAIN + turn * Vector3(0.0, 0.25, 1.5), Palette.STONE_DARK, turn)
		stone.box(Vector3(0.94, 0.1, 0.36), FOUNTAIN + turn * Vector3(0.0, 0.55 + 0.004 * (n % 2), 1.5), Palette.STONE, turn)
	stone.post(0.32, 0.2, 0.7, FOUNTAIN, Palette.STONE, 12)
	stone.post(0.16, 0.16, 0.7, FOUNTAIN + Vector3(0, 0.7, 0), Palette.STONE, 12)
	stone.post(0.2, 0.78, 0.3, FOUNTAIN + Vector3(0, 1.3, 0), Palette.STONE_DARK, 16)
	stone.post(0.14, 0.08, 0.6, FOUNTAIN + Vector3(0, 1.6, 0), Palette.STONE, 10)
	stone.ball(0.2, FOUNTAIN + Vector3(0, 2.3, 0), Palette.STONE_DARK)
	stone.stand(self, "Fountain")
	var water: Thing = _thing("water")
	water.post(1.42, 1.42, 0.04, FOUNTAIN + Vector3(0, 0.4, 0), Palette.WATER, 24)
	water.post(0.66, 0.66, 0.02, FOUNTAIN + Vector3(0, 1.595, 0), Palette.WATER, 16)
	for n: int in 6:
		var turn: Basis = Basis(Vector3.UP, TAU * (n + 0.5) / 6.0)
		water.post(0.025, 0.015, 1.2, FOUNTAIN + turn * Vector3(0.0, 0.42, 0.86), Palette.WATER.lightened(0.35), 6,
			turn * Basis(Vector3.RIGHT, -0.08))
	water.stand(self, "Water", false)


## Stands behind the north-east corner and gives the skyline a point.
func _tower() -> void:
	var foot: Vector3 = Vector3(6.6, 0.0, -HALF_D - 3.2)
	var wall: Thing = _thing("wall")
	wall.box(Vector3(3.6, 11.0, 3.6), foot + Vector3(0, 5.5, 0), Palette.WALLS[3])
	wall.stand(self, "Tower", false)
	var trim: Thing = _thing("stone")
	for y: float in [8.2, 11.0]:
		trim.box(Vector3(3.95, 0.25, 3.95), foot + Vector3(0, y, 0), Palette.STONE)
	trim.box(Vector3(1.1, 1.7, 0.2), foot + Vector3(0, 9.6, 1.8), Palette.STONE)
	trim.stand(self, "TowerTrim", false)
	var dark: Thing = _thing("glass")
	dark.box(Vector3(0.8, 1.4, 0.1), foot + Vector3(0, 9.6, 1.88), Palette.GLASS)
	dark.stand(self, "TowerWindow", false)
	var roof: Thing = _thing("roof")
	roof.post(2.9, 0.0, 2.4, foot + Vector3(0, 11.12, 0), Palette.ROOF, 4, Basis(Vector3.UP, PI / 4.0))
	roof.stand(self, "TowerRoof", false)
