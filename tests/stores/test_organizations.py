import json

import pytest

from host.model.errors import UsageError
from stores import agents, organizations
from stores.organizations import Organization
from stores.statement import Connection


def test_an_organisation_is_found_and_listed(connection: Connection) -> None:
    made = organizations.create(connection, "a-1", 7)

    assert made == Organization("a-1", "{}", 7)
    assert organizations.get(connection, "a-1") == made
    assert organizations.get(connection, "a-2") is None
    assert [each.id for each in organizations.all(connection)] == ["a-1", "elm", "oak"]


@pytest.mark.parametrize("wrong", ["", "-a", "A", "a_b", "a b", "ä", "a" * 64, "a\n", "a\0", "../a"])
def test_an_id_is_a_slug(connection: Connection, wrong: str) -> None:
    with pytest.raises(UsageError, match="lower-case letters"):
        organizations.create(connection, wrong, 1)


def test_the_longest_id_has_63_characters(connection: Connection) -> None:
    assert organizations.create(connection, "a" * 63, 1).id == "a" * 63


def test_an_id_is_taken_once(connection: Connection) -> None:
    with pytest.raises(UsageError, match="'oak' exists"):
        organizations.create(connection, "oak", 1)


def test_settings_are_kept_as_they_came(connection: Connection) -> None:
    ada = agents.add(connection, "oak", "Ada")
    settings = json.dumps({"channelAgents": {"chat": ada.id}, "else": [1]})

    organizations.change_settings(connection, "oak", settings)

    assert organizations.get(connection, "oak") == Organization("oak", settings, 1)


@pytest.mark.parametrize("wrong", ["[]", "{", '{"channelAgents":[]}', '{"channelAgents":{"chat":1}}', '{"defaultAgent":1}', '"\ud800"'])
def test_settings_of_another_shape_are_refused(connection: Connection, wrong: str) -> None:
    with pytest.raises(UsageError, match="settings"):
        organizations.change_settings(connection, "oak", wrong)

    assert organizations.get(connection, "oak") == Organization("oak", "{}", 1)


def test_settings_can_not_name_the_agent_of_another_organisation(connection: Connection) -> None:
    foreign = agents.add(connection, "elm", "Ada").id

    for settings in ({"defaultAgent": foreign}, {"channelAgents": {"chat": foreign}}):
        with pytest.raises(UsageError, match=f"'oak' has no agent '{foreign}'"):
            organizations.change_settings(connection, "oak", json.dumps(settings))


def test_settings_of_no_organisation_are_refused(connection: Connection) -> None:
    with pytest.raises(UsageError, match="no organisation 'nobody'"):
        organizations.change_settings(connection, "nobody", "{}")


def test_a_removed_organisation_is_gone_and_its_id_free(connection: Connection) -> None:
    organizations.remove(connection, "oak")

    assert [each.id for each in organizations.all(connection)] == ["elm"]
    assert organizations.create(connection, "oak", 2).created_at == 2
    with pytest.raises(UsageError, match="no organisation 'ash'"):
        organizations.remove(connection, "ash")
