"""The renderer killed twenty times under load: nothing torn, nothing shown twice or backwards, and always back.

`worldplate bench kills` does it fifty times, and takes the times.
"""

from __future__ import annotations

from renderer.bench.kills import run_kills

KILLS = 20


def test_twenty_kills_show_nothing_torn_or_backward_and_the_engine_comes_back() -> None:
    outcome = run_kills(KILLS)
    assert outcome.kills == KILLS
    assert outcome.torn == 0
    assert outcome.backward == 0
    assert sum(n > 0 for n in outcome.generated_between) > KILLS // 2  # there were plates to tear
