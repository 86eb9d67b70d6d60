import json

import pytest

from host.model.errors import UsageError
from host.model.limits import Limits
from stores import conditions, epoch, installations, plugins, policies, secrets
from stores.sealing import Sealer
from stores.statement import Connection

SEALER = Sealer(b"k" * 32)
SETTINGS = {"type": "object", "properties": {"greeting": {"type": "string", "default": "hi"}, "number": {"type": "string"}, "any": True}}
CHATTER = json.dumps({"name": "chatter", "version": "1.0.0", "description": "Chats", "settings": SETTINGS})


def test_an_installation_comes_back_whole(connection: Connection) -> None:
    plugin = plugins.add(connection, "d1", CHATTER, 1)
    settings = '{"number":"1"}'
    installations.upsert(
        connection,
        "oak",
        "chatter",
        digest="d1",
        settings=settings,
        grants=["store", "http:*", "store"],
        at=2,
    )
    installations.choose(connection, "oak", "chatter", installations.Chosen(settings, {"fuel": 7, "memory": 9}, False), 2)
    secrets.set(connection, SEALER, "oak", "chatter", "app_secret", "s3cret", 3)

    found = installations.load(connection, SEALER, "oak", "chatter")

    assert found is not None
    assert (found.organization, found.plugin, found.digest, found.manifest) == ("oak", "chatter", "d1", plugin.manifest)
    assert json.loads(found.settings) == {"greeting": "hi", "number": "1"}
    assert found.grants == frozenset({"store", "http:*"})
    assert dict(found.secrets) == {"app_secret": "s3cret"}
    assert found.limits == Limits(fuel=7, memory=9)
    assert found.enabled is False


def test_what_is_not_installed_is_none(connection: Connection) -> None:
    plugins.add(connection, "d1", CHATTER, 1)
    installations.upsert(connection, "oak", "chatter", digest="d1", at=2)

    assert installations.load(connection, SEALER, "elm", "chatter") is None
    assert installations.load(connection, SEALER, "oak", "other") is None


def test_components_in_use_are_those_of_enabled_installations_and_no_manifest_is_read_for_that(connection: Connection) -> None:
    for digest in ("d1", "d2", "d3"):
        plugins.add(connection, digest, CHATTER, 1)
    for organization, digest in (("oak", "d1"), ("elm", "d2")):
        installations.upsert(connection, organization, "chatter", digest=digest, at=2)
    connection.execute("UPDATE plugins SET manifest = 'not JSON'")
    assert installations.digests(connection) == {"d1": "chatter", "d2": "chatter"}
    installations.choose(connection, "elm", "chatter", installations.Chosen("{}", {}, False), 3)
    assert installations.digests(connection) == {"d1": "chatter"}
    policies.change(connection, "chatter", policies.Policy(enabled=False), 4)
    assert installations.digests(connection) == {}


def test_installing_again_keeps_secrets_limits_and_enablement(connection: Connection) -> None:
    for digest in ("d1", "d2"):
        plugins.add(connection, digest, CHATTER, 1)
    installations.upsert(connection, "oak", "chatter", digest="d1", settings='{"number":"1"}', grants=["store"], at=2)
    installations.choose(connection, "oak", "chatter", installations.Chosen("{}", {"fuel": 7}, False), 2)
    secrets.set(connection, SEALER, "oak", "chatter", "app_secret", "s3cret", 3)

    installations.upsert(connection, "oak", "chatter", digest="d2", settings='{"greeting":"yo"}', at=4)

    found = installations.load(connection, SEALER, "oak", "chatter")
    assert found is not None
    assert (found.digest, json.loads(found.settings), found.grants, found.enabled) == ("d2", {"greeting": "yo"}, frozenset(), False)
    assert found.limits == Limits(fuel=7)
    assert dict(found.secrets) == {"app_secret": "s3cret"}
    assert connection.execute("SELECT created_at, updated_at FROM installations").fetchall() == [(2, 4)]


def test_limits_are_the_defaults_with_the_plugins_over_them_and_the_organisations_over_those(connection: Connection) -> None:
    plugins.add(connection, "d1", CHATTER, 1)
    for organization in ("oak", "elm"):
        installations.upsert(connection, organization, "chatter", digest="d1", at=2)
    policies.change(connection, "chatter", policies.Policy(limits={"fuel": 7, "memory": 9, "gone": 1}), 3)
    installations.choose(connection, "oak", "chatter", installations.Chosen("{}", {"fuel": 8}, True), 4)

    oak, elm = (installations.load(connection, SEALER, organization, "chatter") for organization in ("oak", "elm"))

    assert oak is not None
    assert elm is not None
    assert oak.limits == Limits(fuel=8, memory=9)
    assert elm.limits == Limits(fuel=7, memory=9)


def test_a_plugin_that_is_disabled_as_a_whole_is_disabled_everywhere(connection: Connection) -> None:
    plugins.add(connection, "d1", CHATTER, 1)
    installations.upsert(connection, "oak", "chatter", digest="d1", at=2)
    policies.change(connection, "chatter", policies.Policy(enabled=False), 3)

    found = installations.load(connection, SEALER, "oak", "chatter")

    assert found is not None
    assert not found.enabled


def test_what_is_removed_takes_its_secrets_along_and_leaves_its_neighbours(connection: Connection) -> None:
    plugins.add(connection, "d1", CHATTER, 1)
    for organization in ("oak", "elm"):
        installations.upsert(connection, organization, "chatter", digest="d1", at=2)
        secrets.set(connection, SEALER, organization, "chatter", "app_secret", "s3cret", 3)

    installations.remove(connection, "oak", "chatter")

    assert installations.load(connection, SEALER, "oak", "chatter") is None
    assert secrets.names(connection, "oak", "chatter") == []
    assert secrets.names(connection, "elm", "chatter") == ["app_secret"]
    with pytest.raises(UsageError, match="not installed"):
        installations.remove(connection, "oak", "chatter")


def test_the_condition_of_an_installation_changes_apart_from_its_configuration(connection: Connection) -> None:
    plugins.add(connection, "d1", CHATTER, 1)
    installations.upsert(connection, "oak", "chatter", digest="d1", at=2)
    before = epoch.read(connection)

    conditions.set_status(connection, "oak", "chatter", "error", "start failed", 5)
    conditions.set_initialized(connection, "oak", "chatter", "d1")

    assert conditions.get(connection, "oak", "chatter") == conditions.Condition("error", "start failed", 5, "d1", None)
    assert conditions.get(connection, "elm", "chatter") is None
    assert list(conditions.all(connection)) == [("oak", "chatter")]
    assert epoch.read(connection) == before


def test_an_open_breaker_is_part_of_the_configuration(connection: Connection) -> None:
    plugins.add(connection, "d1", CHATTER, 1)
    installations.upsert(connection, "oak", "chatter", digest="d1", at=2)

    conditions.set_breaker(connection, "oak", "chatter", 5)
    opened = installations.load(connection, SEALER, "oak", "chatter")
    conditions.set_breaker(connection, "oak", "chatter", None)
    closed = installations.load(connection, SEALER, "oak", "chatter")

    assert opened is not None
    assert closed is not None
    assert (opened.breaker_open, closed.breaker_open) == (True, False)


def test_all_are_listed_of_one_organisation_or_of_every_one(connection: Connection) -> None:
    plugins.add(connection, "d1", CHATTER, 1)
    plugins.add(connection, "d2", CHATTER.replace("chatter", "alpha"), 1)
    for organization, plugin, digest in (("oak", "chatter", "d1"), ("elm", "chatter", "d1"), ("oak", "alpha", "d2")):
        installations.upsert(connection, organization, plugin, digest=digest, at=2)

    every = [(each.organization, each.plugin) for each in installations.load_all(connection, SEALER)]
    of_oak = [each.plugin for each in installations.load_all(connection, SEALER, "oak")]

    assert every == [("elm", "chatter"), ("oak", "alpha"), ("oak", "chatter")]
    assert of_oak == ["alpha", "chatter"]


@pytest.mark.parametrize(
    ("organization", "plugin", "digest"), [("nobody", "chatter", "d1"), ("oak", "other", "d1"), ("oak", "chatter", "d2")]
)
def test_what_does_not_exist_can_not_be_installed(connection: Connection, organization: str, plugin: str, digest: str) -> None:
    plugins.add(connection, "d1", CHATTER, 1)

    with pytest.raises(UsageError, match=organization):
        installations.upsert(connection, organization, plugin, digest=digest, at=2)


def test_settings_have_to_be_an_object(connection: Connection) -> None:
    plugins.add(connection, "d1", CHATTER, 1)

    for wrong in ("[]", "{", "1"):
        with pytest.raises(UsageError, match="settings"):
            installations.upsert(connection, "oak", "chatter", digest="d1", settings=wrong, at=2)


def test_a_secret_that_was_copied_from_another_organisation_does_not_load(connection: Connection) -> None:
    plugins.add(connection, "d1", CHATTER, 1)
    for organization in ("oak", "elm"):
        installations.upsert(connection, organization, "chatter", digest="d1", at=2)
        secrets.set(connection, SEALER, organization, "chatter", "app_secret", f"of {organization}", 3)
    connection.execute("UPDATE secrets SET sealed = (SELECT sealed FROM secrets WHERE organization = 'oak') WHERE organization = 'elm'")

    found = installations.load(connection, SEALER, "elm", "chatter")

    assert found is not None
    assert dict(found.secrets) == {}
    assert "moved" in found.secrets.shut["app_secret"]


def test_a_component_that_is_installed_can_not_be_removed(connection: Connection) -> None:
    plugins.add(connection, "d1", CHATTER, 1)
    installations.upsert(connection, "oak", "chatter", digest="d1", at=2)

    with pytest.raises(Exception, match="FOREIGN KEY"):
        connection.execute("DELETE FROM plugins")
