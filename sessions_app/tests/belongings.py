"""What a person may have of actors and their voices, one of everything."""

from __future__ import annotations

import io

import soundfile

from accounts.models import Team, User
from pipeline.providers.scripted.sounds import utterances
from sessions_app.models import DubbingSession
from voices import services


def voices_of(
    user: User, session: DubbingSession, name: str, team: Team | None = None
) -> dict[str, str]:
    """An actor and one of everything that belongs to them, each telling ``name``.

    Placeholder in an address → id.
    """
    actor = services.create_actor(user, by=user, name=name, team=team)
    speaker = services.ensure_speaker(session.pk, "S1", owner=user, team=team)
    services.rename_speaker(speaker, name, by=user)
    services.confirm(speaker, actor, by=user)
    consent = services.give_consent(
        actor, owner=user, by=user, given_by=name, uses=["sample", "clone"], statement=name
    )
    sound = io.BytesIO()
    soundfile.write(sound, utterances((1.0, 140.0)), 16_000, format="WAV")
    sample = services.upload_sample(actor, owner=user, by=user, content=sound.getvalue(), name=name)
    pin, _ = services.pin_voice(
        actor, owner=user, by=user, language="es", engine="scripted", voice=name
    )
    clone, _ = services.request_clone(
        actor, owner=user, by=user, samples=[sample], engine="scripted-synthesizer", name=name
    )
    comparison = services.compare(
        user,
        text=name,
        language="es",
        actor=actor,
        sample=sample,
        voices=[services.Wished(engine="scripted-synthesizer", voice="hum-low")],
    )
    preview = comparison.previews.get()
    title = services.ensure_title(name, owner=user, team=team)
    assert title is not None
    rows = {
        "actor": actor,
        "speaker": speaker,
        "sample": sample,
        "consent": consent,
        "pin": pin,
        "title": title,
        "clone": clone,
        "comparison": comparison,
        "preview": preview,
    }
    return {f"{kind}_id": str(row.pk) for kind, row in rows.items()}
