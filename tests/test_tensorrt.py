"""The real TensorRT for RTX takes limn's networks and builds them for three generations of GPUs, without one."""

from __future__ import annotations

import os
import sys
from functools import cache as once
from pathlib import Path

import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from test_limn_fused import court

from bridge.errors import MissingDependency, ModelIncomplete, ModelMismatch, ModelUnsafe
from renderer import cli
from renderer.models.limn.held import USUAL, profile, shapes_of
from renderer.models.limn.light import light_of
from renderer.models.limn.model import FOLDER, ONNX, Limn
from renderer.models.limn.network import SIZES, LimnNetwork
from renderer.models.limn.weather import Weather
from renderer.runtimes.engine_build import Building
from renderer.runtimes.engine_cache import EngineCache, user_cache
from renderer.runtimes.engines import Order, Profile
from renderer.runtimes.half import in_precision, precision_of
from renderer.runtimes.tensorrt import TensorRtMaker, flavour_for, maker_for

REQUIRED = os.environ.get("WORLDPLATE_REQUIRE_TENSORRT") == "1"
GENERATIONS = ("SM86", "SM89", "SM120")  # RTX 30, 40 and 50


@pytest.fixture(autouse=True, scope="module")
def _tensorrt() -> None:
    try:
        flavour_for(None)
    except MissingDependency as error:
        if REQUIRED:
            raise
        pytest.skip(f"TENSORRT IS NOT CHECKED: {error}")


@once
def large() -> bytes:
    """limn-l has no weights yet: its definition with random ones."""
    from renderer.runtimes.export import export

    torch.manual_seed(0)
    network = LimnNetwork(SIZES["limn-l"])
    return export(network)


@pytest.fixture(params=sorted(SIZES))
def network(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Profile]:
    if request.param == "limn-s":
        return FOLDER / ONNX, profile()
    (tmp_path / ONNX).write_bytes(large())
    return tmp_path / ONNX, profile()


def test_both_sizes_of_limn_are_built_for_three_generations(network: tuple[Path, Profile]) -> None:
    sizes = set()
    for generation in GENERATIONS:
        engine = TensorRtMaker("tensorrt_rtx", "fp16", [generation]).build(*network)
        sizes.add(len(engine))
    whole = TensorRtMaker("tensorrt_rtx", "fp32").build(*network)
    assert max(sizes) < len(whole)  # halves are half as large, and one file goes with all generations
    assert min(sizes) > network[0].stat().st_size / 4


def test_a_network_in_int8_is_built_as_it_is(tmp_path: Path) -> None:
    from renderer.runtimes.quantize import quantize

    canvas = Limn(runtime="torch").canvas(64, 36)
    canvas.see(*court(64, 36), light_of(Weather(), 3))
    quantize(FOLDER, [canvas.inputs()], tmp_path, for_tensorrt=True)
    assert precision_of(onnx.load(tmp_path / ONNX)) == "int8"
    assert len(TensorRtMaker("tensorrt_rtx", "int8", ["SM89"]).build(tmp_path / ONNX, profile())) > 1_000_000


def test_an_engine_that_was_built_beside_the_show_is_found_in_the_cache(tmp_path: Path) -> None:
    cache = EngineCache(tmp_path / "engines", tmp_path / "key")
    order = Order(maker_for(None), FOLDER / ONNX, profile())
    Building(order, cache).wait()
    assert len(cache.find(order.identity()) or b"") > 1_000_000


def test_a_command_builds_ahead_of_time_and_lists_what_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    assert cli.main(["engines", "list"]) == 0
    assert "none; `worldplate engines build`" in capsys.readouterr().out
    assert cli.main(["engines", "build"]) == 0
    assert "limn in fp16 by tensorrt-rtx" in capsys.readouterr().out
    (engine,) = user_cache().folder.iterdir()
    cli.main(["engines", "list"])
    assert f"{engine.name[:12]}: fp16, tensorrt_rtx 1." in capsys.readouterr().out
    engine.write_bytes(engine.read_bytes()[:-1])
    cli.main(["engines", "list"])
    assert "cannot be trusted, and is not loaded" in capsys.readouterr().out


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_without_a_gpu_an_engine_is_not_loaded_and_says_why(tmp_path: Path) -> None:
    with pytest.raises(MissingDependency, match=r"without CUDA|no NVIDIA GPU"):
        maker_for(None).load(b"", EngineCache(tmp_path, tmp_path / "key"))


def test_an_engine_is_another_one_for_other_weights_precision_library_or_target(tmp_path: Path) -> None:
    shapes = profile()
    other = onnx.load(FOLDER / ONNX)
    other.graph.initializer[0].name += "_of_another"
    onnx.save(other, tmp_path / "other.onnx")
    fp16 = TensorRtMaker("tensorrt_rtx", "fp16")
    orders = [
        Order(fp16, FOLDER / ONNX, shapes), Order(fp16, tmp_path / "other.onnx", shapes),
        Order(TensorRtMaker("tensorrt_rtx", "fp32"), FOLDER / ONNX, shapes),
        Order(TensorRtMaker("tensorrt_rtx", "fp16", ["SM86"]), FOLDER / ONNX, shapes),
        Order(fp16, FOLDER / ONNX, Profile.over([shapes_of(1, 1), shapes_of(*USUAL)], shapes_of(*USUAL))),
    ]  # fmt: skip
    kept = {EngineCache(tmp_path, tmp_path).path_of(order.identity()) for order in orders}
    assert len(kept) == len(orders)
    assert "1." in orders[0].identity()["library"]  # type: ignore[operator]


def test_the_flavour_is_the_one_that_runs_on_the_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert all(flavour_for(capability).is_rtx for capability in ((7, 5), (8, 6), (8, 9), (12, 0)))
    monkeypatch.setitem(sys.modules, "tensorrt", None)  # as if the full one were not installed
    with pytest.raises(MissingDependency, match=r"does not run on .*\(9, 0\).*pip install .* tensorrt`"):
        flavour_for((9, 0))


def identity_network(*, wide: int = 1, external: str = "", op: str = "Relu", domain: str = "") -> bytes:
    """One layer over [1, wide]; `external` is where its constant is said to lie."""
    weight = numpy_helper.from_array(torch.ones(1, wide).numpy(), "w")
    if external:
        weight.ClearField("raw_data")
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value=external)
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "w"], ["y"]), helper.make_node(op, ["y"], ["z"], domain=domain)], "one",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, wide])],
        [helper.make_tensor_value_info("z", TensorProto.FLOAT, [1, wide])], [weight],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", 20), *([helper.make_opsetid(domain, 1)] if domain else [])]
    return bytes(helper.make_model(graph, opset_imports=opsets, ir_version=10).SerializeToString())


@pytest.mark.parametrize(
    ("data", "error", "named"),
    [
        (identity_network(external="../../elsewhere.bin"), ModelUnsafe, "outside its folder"),
        (identity_network(external="/etc/passwd"), ModelUnsafe, "outside its folder"),
        (identity_network(op="Anything", domain="somebody"), ModelUnsafe, "somebody"),
        (identity_network(op="NoSuchOperator"), ModelMismatch, "NoSuchOperator"),
        (b"no network at all", ModelIncomplete, "no whole ONNX"),
    ],
    ids=["up", "absolute", "plugin", "operator", "garbage"],
)
def test_what_is_not_safe_or_not_whole_is_refused(
    tmp_path: Path, data: bytes, error: type[Exception], named: str
) -> None:
    (tmp_path / ONNX).write_bytes(data)
    shapes = {"x": (1, 1)}
    with pytest.raises(error, match=named):
        TensorRtMaker("tensorrt_rtx", "fp32").build(tmp_path / ONNX, Profile(shapes, shapes, shapes))


def test_half_is_half_inside_and_whole_at_the_border(tmp_path: Path) -> None:
    half = onnx.load(in_precision(FOLDER / ONNX, "fp16", tmp_path))
    onnx.checker.check_model(half)
    assert precision_of(half) == "fp16"
    kinds = {value.type.tensor_type.elem_type for value in (*half.graph.input, *half.graph.output)}
    assert kinds == {TensorProto.FLOAT}
    assert in_precision(FOLDER / ONNX, "fp32", tmp_path) == FOLDER / ONNX
    with pytest.raises(ModelMismatch, match="is in fp32, and int8"):
        in_precision(FOLDER / ONNX, "int8", tmp_path)


def test_weights_beside_the_file_are_halved_and_built_and_count_as_the_network(tmp_path: Path) -> None:
    """As those of a network must lie whose message would be longer than 2 GB."""
    own, made = tmp_path / "own", tmp_path / "made"
    own.mkdir()
    made.mkdir()
    path, wide = own / "wide.onnx", 512
    whole = onnx.load_from_string(identity_network(wide=wide))
    onnx.save(whole, path, save_as_external_data=True, location="wide.data", size_threshold=0)
    shapes, maker = {"x": (1, wide)}, TensorRtMaker("tensorrt_rtx", "fp16", ["SM86"])
    order = Order(maker, path, Profile(shapes, shapes, shapes))
    half = in_precision(path, "fp16", made)
    assert (made / "wide.onnx.data").stat().st_size == 2 * wide
    assert half.stat().st_size < 2 * wide  # the weights are not in it
    assert onnx.numpy_helper.to_array(onnx.load(half).graph.initializer[0]).tolist() == [[1.0] * wide]
    assert sorted(each.name for each in own.iterdir()) == ["wide.data", "wide.onnx"]
    before = order.identity()["network"]
    for precision in ("fp16", "fp32"):
        assert len(TensorRtMaker("tensorrt_rtx", precision, ["SM86"]).build(path, order.profile)) > 0
    (own / "wide.data").write_bytes(bytes(4 * wide))
    assert order.identity()["network"] != before
