"""What a person meets on the command line: help, exit codes, and errors that say what to do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from renderer import cli

COMMAND = [sys.executable, "-m", "renderer.cli"]


def test_help_shows_examples_and_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert "worldplate demo --prompt dusk" in shown
    assert "exit codes: 0" in shown


@pytest.mark.parametrize(
    "arguments",
    [[], ["nonsense"], ["demo", "--size", "0x9"], ["demo", "--size", "big"], ["demo", "--seconds", "-1"],
     ["demo", "--sync", "genlocked"], ["bench", "link", "--size", "99999x1"]],
)  # fmt: skip
def test_wrong_usage_ends_with_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_an_unknown_model_is_refused_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["serve", "--model", "dall-e", "--runtime-dir", str(tmp_path)]) == 3
    error = capsys.readouterr().err
    assert "dall-e" in error
    assert "limn, passthrough" in error
    assert error.count("\n") == 1


def test_an_address_that_others_reach_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    arguments = ["serve", "--model", "passthrough", "--endpoint", "tcp://0.0.0.0:5000", "--runtime-dir", str(tmp_path)]
    assert cli.main(arguments) == 3
    assert "127.0.0.1" in capsys.readouterr().err


def test_a_bad_setting_ends_with_2(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLDPLATE_THREADS", "0")
    assert cli.main(["serve"]) == 2
    assert "threads" in capsys.readouterr().err


def test_doctor_reports_what_the_demo_needs(capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["doctor", "--json"])
    findings = {f["name"]: f for f in json.loads(capsys.readouterr().out)}
    assert code == 0, [f for f in findings.values() if f["needed"] and not f["ok"]]
    assert findings["limn's weights"]["ok"]
    assert all(f["ok"] or f["fix"] for f in findings.values())


def test_serve_says_what_it_waits_for_and_ends_cleanly(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    command = [*COMMAND, "serve", "--model", "passthrough", "--runtime-dir", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert "waiting for an engine" in line
        assert str(tmp_path / "connection.json") in line
        assert (os.stat(tmp_path / "connection.json").st_mode & 0o777) == 0o600
        process.send_signal(signal.SIGINT)
        assert process.wait(10.0) == 0
    assert not (tmp_path / "connection.json").exists()


def test_a_second_renderer_does_not_steal_the_first_ones_place(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    command = [*COMMAND, "serve", "--model", "passthrough", "--runtime-dir", str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as first:
        try:
            limit_s = time.monotonic() + 20.0
            while not (tmp_path / "connection.json").exists() and time.monotonic() < limit_s:
                time.sleep(0.02)
            second = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=30.0, check=False)
        finally:
            first.terminate()
    assert second.returncode == 3
    assert str(first.pid) in second.stderr


def test_serving_passthrough_imports_no_torch() -> None:
    loaded = "not sys.modules.keys().isdisjoint({'torch', 'rich'})"
    code = f"import sys, renderer.start, renderer.models.passthrough; sys.exit({loaded})"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_tab_key_completes_commands_and_their_options(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert cli.main(["completion", "bash"]) == 0
    script = tmp_path / "completion.bash"
    script.write_text(capsys.readouterr().out)
    for typed, completed in ((["pl"], "plugin"), (["demo", "--sec"], "--seconds")):
        words = " ".join(["worldplate", *typed])
        tab = f"COMP_WORDS=({words}); COMP_CWORD={len(typed)}; _shtab_worldplate; echo ${{COMPREPLY[@]}}"
        answer = subprocess.run(["bash", "-c", f"source {script}; {tab}"], capture_output=True, text=True, check=True)
        assert answer.stdout.split() == [completed]
