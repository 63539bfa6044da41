import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("sessions_app", "0007_dub_waveform"),
        ("voices", "0003_clones"),
    ]

    operations = [
        migrations.AddField(
            model_name="projectspeaker",
            name="actor",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="voices.actor",
            ),
        ),
        migrations.AddField(
            model_name="storedstretch",
            name="speech",
            field=models.BinaryField(default=b"", editable=False),
        ),
    ]
