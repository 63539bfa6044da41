from django.db import migrations, models


def confirm_known(apps, _editor):
    """Until now nobody was written down who was not certain."""
    speakers = apps.get_model("sessions_app", "ProjectSpeaker").objects
    speakers.exclude(actor=None).update(actor_state="confirmed")


class Migration(migrations.Migration):
    dependencies = [("sessions_app", "0009_clones_heard")]

    operations = [
        migrations.AddField(
            model_name="projectspeaker",
            name="actor_state",
            field=models.CharField(
                blank=True,
                choices=[("suggested", "Perhaps"), ("confirmed", "Certain")],
                max_length=16,
            ),
        ),
        migrations.AddField(
            model_name="projectspeaker",
            name="actor_confidence",
            field=models.FloatField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="projectspeaker",
            name="actor_decided",
            field=models.BooleanField(default=False),
        ),
        migrations.RunPython(confirm_known, migrations.RunPython.noop, elidable=True),
    ]
