"""A model is held to the response window that it stated, and whoever serves it is told when it does not keep it."""

from __future__ import annotations

from renderer.window import AT_LEAST, LOOK_BACK, Window


def test_a_window_that_is_kept_or_was_never_stated_is_no_problem() -> None:
    for stated_ms, took_ms in ((100.0, 110.0), (0.0, 900.0)):
        window = Window(stated_ms)
        for _ in range(LOOK_BACK):
            window.add(took_ms)
        assert window.problem == ""


def test_one_slow_answer_is_no_problem_and_a_slow_model_is_until_it_is_faster() -> None:
    window = Window(100.0)
    for took_ms in [90.0] * AT_LEAST + [2000.0]:
        window.add(took_ms)
    assert window.problem == ""
    for _ in range(LOOK_BACK):
        window.add(180.0)
    assert window.problem.startswith("The model answers in 180 ms and stated 100: run `worldplate models check`")
    for _ in range(LOOK_BACK):
        window.add(95.0)
    assert window.problem == ""
