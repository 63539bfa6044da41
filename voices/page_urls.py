"""Addresses of pages about voices, from the server's root."""

from django.urls import path

from voices.pages import actors, library, speakers

_ACTOR = "voice-management/actors/<uuid:actor_id>"

urlpatterns = [
    path("voice-management", actors.actor_list, name="voice-management"),
    path(_ACTOR, actors.actor_page, name="actor-page"),
    path(f"{_ACTOR}/clone", actors.clone_wizard, name="clone-wizard"),
    path("voice-management/voices", library.voice_library, name="voice-library"),
    path("voice-management/speakers", speakers.speaker_cards, name="speaker-cards"),
]
