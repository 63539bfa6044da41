"""Registers the app with Django."""

from django.apps import AppConfig


class VoicesConfig(AppConfig):
    name = "voices"
