import django.contrib.postgres.fields
import django.contrib.postgres.indexes
from django.db import migrations, models

TEXT_FORMS = ("srt", "vtt", "ass", "json", "csv")


def find_clones(apps, _editor):
    """Of what was spoken before: sounds name their voice, and that of a clone has its id in it."""
    sounds = apps.get_model("sessions_app", "LineSound").objects
    projects = apps.get_model("sessions_app", "Project").objects
    exports = apps.get_model("sessions_app", "Export").objects
    for clone in apps.get_model("voices", "VoiceClone").objects.exclude(vendor_id=""):
        spoken = sounds.filter(engine=clone.engine, voice__contains=clone.vendor_id, clone=None)
        spoken.update(clone=clone.pk)
    cloned = sounds.exclude(clone=None)
    for project in projects.filter(pk__in=cloned.values("project")):
        heard = cloned.filter(project=project).values_list("clone", flat=True)
        project.clones = sorted(set(heard))
        project.save(update_fields=["clones"])
        written = exports.filter(project=project).exclude(form__in=TEXT_FORMS)
        written.update(clones=project.clones)


def _clones():
    return django.contrib.postgres.fields.ArrayField(
        base_field=models.UUIDField(), blank=True, default=list, editable=False, size=None
    )


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0008_project_speaker_actor"),
        ("voices", "0003_clones"),
    ]

    operations = [
        migrations.AddField(model_name="project", name="clones", field=_clones()),
        migrations.AddField(model_name="export", name="clones", field=_clones()),
        migrations.AddField(
            model_name="linesound",
            name="clone",
            field=models.UUIDField(blank=True, db_index=True, editable=False, null=True),
        ),
        migrations.RunPython(find_clones, migrations.RunPython.noop, elidable=True),
        migrations.AddIndex(
            model_name="project",
            index=django.contrib.postgres.indexes.GinIndex(
                fields=["clones"], name="project_clones"
            ),
        ),
        migrations.AddIndex(
            model_name="export",
            index=django.contrib.postgres.indexes.GinIndex(fields=["clones"], name="export_clones"),
        ),
    ]
