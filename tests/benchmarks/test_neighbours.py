"""How long an ordinary plugin's webhooks take alone, and beside ten plugins that misbehave, in one process."""

import statistics
import time
from pathlib import Path

from tests.attacks.neighbours import Neighbourhood, a_neighbourhood

ROUNDS = 100


async def milliseconds(town: Neighbourhood) -> list[float]:
    taken = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        assert (await town.ask()).status == 200
        taken.append((time.perf_counter() - started) * 1000)
    return sorted(taken)


async def test_an_ordinary_webhook_alone_and_beside_ten_misbehaving_neighbours(tmp_path: Path) -> None:
    async with a_neighbourhood(tmp_path) as town:
        await town.ask()
        taken = {"alone": await milliseconds(town)}
        for attack in town.attacks:
            async with town.under_attack([attack]):
                taken[f"beside one that {attack.name}"] = await milliseconds(town)
        async with town.under_attack():
            taken["beside all ten"] = await milliseconds(town)

    alone = statistics.median(taken["alone"])
    print("\nmilliseconds for a webhook of WhatsApp, one after the other, its commit included; each neighbour has two requests under way")
    for name, times in taken.items():
        median = statistics.median(times)
        print(f"  {name:46} median {median:7.2f}, 99 % {times[int(ROUNDS * 0.99)]:7.2f}, ratio {median / alone:5.1f}")
