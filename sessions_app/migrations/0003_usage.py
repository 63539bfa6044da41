from typing import ClassVar

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies: ClassVar = [
        ("sessions_app", "0002_daily_use"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations: ClassVar = [
        migrations.CreateModel(
            name="EngineUse",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("engine", models.CharField(max_length=64)),
                ("leg", models.CharField(max_length=16)),
                ("unit", models.CharField(max_length=16)),
                ("amount", models.FloatField(default=0.0)),
                ("requests", models.PositiveBigIntegerField(default=0)),
                (
                    "session",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="engine_use",
                        to="sessions_app.dubbingsession",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="engine_use",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["user", "day"], name="engine_use_user_day")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("session", "day", "engine", "leg"), name="engine_use_once_a_day"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reservation",
            fields=[
                ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
                ("day", models.DateField()),
                ("seconds", models.FloatField(default=0.0)),
                ("written", models.PositiveIntegerField(default=0)),
                ("touched_at", models.DateTimeField()),
                (
                    "session",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="reservations",
                        to="sessions_app.dubbingsession",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reservations",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["user", "day"], name="reservation_user_day"),
                    models.Index(fields=["touched_at"], name="reservation_touched"),
                ],
            },
        ),
    ]
