"""Ten organisations whose plugins misbehave, each in its own way, at load; the eleventh is served as if alone."""

from pathlib import Path

import pytest

from tests.attacks.neighbours import a_neighbourhood
from tests.runtime.hosts import records

LEAST, MOST = 40, 2_000
"""Requests of the ordinary organisation: as many as it takes until each of the others has been under way beside one of them."""


@pytest.mark.promise("limits.neighbours")
async def test_beside_ten_misbehaving_plugins_the_eleventh_is_answered_and_each_of_its_messages_is_there_once(tmp_path: Path) -> None:
    async with a_neighbourhood(tmp_path) as town:
        async with town.under_attack():
            while len(town.served) < LEAST or any(attack.answered == 0 or not attack.outcomes for attack in town.attacks):
                assert (await town.ask()).status == 200
                assert len(town.served) < MOST, town.attacks
        counts = town.runtime.reads.execute(
            "SELECT (SELECT count(*) FROM deliveries WHERE organization = 'ordinary' AND outcome = 'succeeded'), "
            "(SELECT count(*) FROM messages WHERE organization = 'ordinary'), count(DISTINCT external_id) FROM messages"
        ).fetchall()
        lost = {attack.name: records(town.runtime, attack.organization) for attack in town.attacks}

    assert counts == [(len(town.served),) * 3]
    assert {attack.name: attack.outcomes for attack in town.attacks} == {
        attack.name: {(attack.way.status, attack.way.code)} for attack in town.attacks
    }
    assert all(attack.answered > 0 for attack in town.attacks)
    assert all(record.dropped_log_lines > 0 for record in lost["floods its log"])
    assert all(record.effects == 0 for record in lost["floods its store"])
