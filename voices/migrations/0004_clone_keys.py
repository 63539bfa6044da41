"""Clones know the key that they were made with; of those that are there it is taken to be the
one that their owner has now, as it was until here."""

from typing import Any

from django.db import migrations, models


def take_the_present_one(apps: Any, schema_editor: Any) -> None:  # noqa: ARG001 - the framework's signature
    clones = apps.get_model("voices", "VoiceClone").objects
    for key in apps.get_model("accounts", "EngineKey").objects.filter(vendor="elevenlabs"):
        clones.filter(owner=key.user_id, engine="elevenlabs").exclude(vendor_id="").update(
            sealed_key=key.sealed, key_purpose=f"engine key:{key.user_id}:elevenlabs"
        )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_speakers_policy"),
        ("voices", "0003_clones"),
    ]

    operations = [
        migrations.AddField(
            model_name="voiceclone",
            name="key_purpose",
            field=models.CharField(blank=True, editable=False, max_length=64),
        ),
        migrations.AddField(
            model_name="voiceclone",
            name="sealed_key",
            field=models.TextField(blank=True, editable=False),
        ),
        migrations.RunPython(take_the_present_one, migrations.RunPython.noop),
    ]
