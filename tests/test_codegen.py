"""Generated files are as the schema says, the check notices when not, and a compiler agrees with the layout."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from bridge import codegen, codegen_shaders
from bridge.schema import RING_HEADER


def test_committed_files_are_not_stale() -> None:
    assert codegen.main(["--check"]) == 0


def test_a_stale_file_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.h"
    old.write_text(codegen.c_header().replace("WP_PROTOCOL_VERSION 1", "WP_PROTOCOL_VERSION 0"))
    monkeypatch.setattr(codegen, "ROOT", tmp_path)
    monkeypatch.setattr(codegen, "outputs", lambda: {old: codegen.c_header()})
    monkeypatch.setattr(codegen_shaders, "copies", lambda root: {})
    assert codegen.main(["--check"]) == 1
    assert "old.h is stale" in capsys.readouterr().err
    assert codegen.main([]) == 0
    assert codegen.main(["--check"]) == 0


def test_a_changed_schema_changes_every_output(monkeypatch: pytest.MonkeyPatch) -> None:
    before, kinds = codegen.outputs(), codegen.messages()
    monkeypatch.setattr(codegen, "csharp_abi", lambda: "")  # of another source, worldplate.h
    monkeypatch.setattr(codegen, "messages", lambda: kinds[:-1])
    monkeypatch.setattr(codegen, "ENUMS", codegen.ENUMS[:-1])
    monkeypatch.setattr(codegen, "RING_STRUCTS", (("ring_header", RING_HEADER[:-1], 4096),))
    assert [path.name for path, text in codegen.outputs().items() if text == before[path]] == []


@pytest.mark.parametrize(("compiler", "standard", "language"), [("gcc", "c11", "c"), ("g++", "c++17", "c++")])
def test_the_header_compiles_and_its_asserts_hold(compiler: str, standard: str, language: str) -> None:
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} IS NOT ON THIS MACHINE: the generated header was not compiled as {standard}")
    command = [
        compiler,
        f"-std={standard}",
        "-x",
        language,
        "-Wall",
        "-Wextra",
        "-Wpedantic",
        "-Werror",
        "-fsyntax-only",
    ]
    source = f'#include "{codegen.HEADER}"\nint main(void) {{ return WP_PROTOCOL_VERSION - 1; }}\n'
    done = subprocess.run([*command, "-"], input=source, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_message_and_field_is_described() -> None:
    tables = codegen.protocol_tables()["messages"]
    for message in codegen.messages():
        assert f"#### {codegen.tag_of(message)}\n" in tables
        for name, _, _, _ in codegen.fields_of(message):
            assert f"| `{name}` |" in tables
