from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [("accounts", "0003_ticket")]

    operations: ClassVar = [
        migrations.CreateModel(
            name="EngineKey",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "vendor",
                    models.CharField(
                        choices=[("google", "Google"), ("elevenlabs", "ElevenLabs")], max_length=16
                    ),
                ),
                ("kind", models.CharField(max_length=16)),
                ("sealed", models.TextField(editable=False)),
                ("hint", models.CharField(max_length=4)),
                ("created_at", models.DateTimeField()),
                ("last_used_at", models.DateTimeField(blank=True, null=True)),
                ("last_checked_at", models.DateTimeField(blank=True, null=True)),
                ("status", models.CharField(blank=True, max_length=64)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="engine_keys",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("user", "vendor"), name="one_key_a_vendor")
                ],
            },
        ),
    ]
