extends Node3D
## Builds the court, lets the camera walk, and obeys the command line (README.md lists the arguments).

const Palette: GDScript = preload("palette.gd")
const Court: GDScript = preload("court.gd")
const Market: GDScript = preload("market.gd")
const Bodies: GDScript = preload("bodies.gd")
const Walker: GDScript = preload("walker.gd")
const Trial: GDScript = preload("trial.gd")

const SEED: int = 7
const STREAM: String = "res://addons/worldplate/stream.gd"

var camera: Walker = Walker.new()
var bodies: Bodies = Bodies.new()
var stream: Node


func _ready() -> void:
	var random: RandomNumberGenerator = RandomNumberGenerator.new()
	random.seed = SEED
	var palette: Palette = Palette.new()
	add_child(_sun())
	add_child(_sky())
	_add_part(Court.new(), palette, null, "Court")
	_add_part(Market.new(), palette, random, "Market")
	_add_part(bodies, palette, random, "Bodies")
	var trial: Trial = Trial.new(OS.get_cmdline_user_args())
	camera.walked_m = trial.start_m
	camera.name = "Camera"
	add_child(camera)
	if not trial.no_stream and ResourceLoader.exists(STREAM):
		stream = (load(STREAM) as GDScript).new()
		stream.name = "WorldplateStream"
		trial.set_up(stream)
		camera.add_child(stream)
	trial.main = self
	add_child(trial)


func _add_part(part: Node3D, palette: Palette, random: RandomNumberGenerator, called: String) -> void:
	part.name = called
	part.set(&"palette", palette)
	part.set(&"random", random)
	add_child(part)
	part.call(&"build")


func _sun() -> DirectionalLight3D:
	var sun: DirectionalLight3D = DirectionalLight3D.new()
	sun.name = "Sun"
	sun.rotation_degrees = Vector3(-46.0, 38.0, 0.0)
	sun.light_color = Color("fff0d8")
	sun.light_energy = 1.7
	sun.shadow_enabled = true
	sun.directional_shadow_mode = DirectionalLight3D.SHADOW_ORTHOGONAL
	sun.directional_shadow_max_distance = 32.0
	sun.shadow_normal_bias = 2.0
	sun.shadow_blur = 0.35
	sun.shadow_bias = 0.06
	return sun


func _sky() -> WorldEnvironment:
	var colors: ProceduralSkyMaterial = ProceduralSkyMaterial.new()
	colors.sky_top_color = Color("4f86c6")
	colors.sky_horizon_color = Color("cfdde6")
	colors.ground_horizon_color = Color("c4bfb2")
	colors.ground_bottom_color = Color("8f8676")
	colors.sun_angle_max = 6.0
	var sky: Sky = Sky.new()
	sky.sky_material = colors
	sky.radiance_size = Sky.RADIANCE_SIZE_32
	var environment: Environment = Environment.new()
	environment.background_mode = Environment.BG_SKY
	environment.sky = sky
	environment.ambient_light_source = Environment.AMBIENT_SOURCE_SKY
	environment.ambient_light_energy = 0.9
	environment.tonemap_mode = Environment.TONE_MAPPER_FILMIC
	environment.tonemap_white = 4.0
	var holder: WorldEnvironment = WorldEnvironment.new()
	holder.name = "Sky"
	holder.environment = environment
	return holder
