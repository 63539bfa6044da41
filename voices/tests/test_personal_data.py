"""What a person gets of their actors with a copy of their data."""

from __future__ import annotations

import pytest

from accounts.services import create_user
from voices import services
from voices.keeping import KEEPER


@pytest.mark.django_db
def test_a_copy_of_ones_data_has_ones_own_actors_and_nobody_elses() -> None:
    ana, ben = (create_user(email=f"{name}@example.org", password=None) for name in ("ana", "ben"))
    actor = services.create_actor(ana, by=ana, name="Ana's")
    services.give_consent(
        actor, owner=ana, by=ana, given_by="herself", uses=["sample"], statement="yes"
    )
    services.create_actor(ben, by=ben, name="Ben's")
    copy = {name: list(rows) for name, rows in KEEPER.export(ana)}
    assert [one["name"] for one in copy["actors"]] == ["Ana's"]
    assert [one["statement"] for one in copy["consents"]] == ["yes"]
    assert copy["voice_samples"] == []
    assert not any("owner_id" in row for rows in copy.values() for row in rows)
