"""The actors that an installation knows, and everything that belongs to them.

::

    Title ──< Speaker >── Actor ──< VoiceSample, Consent, VoiceClone, PinnedVoice
                 │           │            │
                 └──< Voiceprint >────────┘     (Voiceprint.actor: whose it is known to be)

An **actor** is a person whose voice is remembered. A **speaker** is somebody heard in one
session; the recogniser suggests or confirms which actor that is, a person has the last word.
A **title** is what a session dubbed. A **voiceprint** is how a stretch of speech of a speaker
or of a sample sounds. A **decision** is a line of the history that nobody changes.

Everything is ``accounts.ownership.Owned``, each row for itself: a user may keep a private
sample of an actor of the shared catalogue. What belongs to an actor is shared with the
actor's team. Sessions live in an app above this one, so a speaker names its session by id.
"""

from voices.models.actors import Actor, PinnedVoice
from voices.models.clones import CloneState, CloneStep, DiscardedClone, VoiceClone
from voices.models.consents import Consent, ConsentUse
from voices.models.files import DiscardedFile
from voices.models.history import Decision, DecisionKind
from voices.models.previews import Comparison, Preview, PreviewState
from voices.models.samples import SampleState, Verdict, VoiceSample
from voices.models.speakers import Rejection, Speaker, SpeakerState
from voices.models.titles import Title
from voices.models.usual_voices import UsualVoice
from voices.models.voiceprints import EMBEDDING_SIZE, ActorCentroid, Voiceprint

__all__ = [
    "EMBEDDING_SIZE",
    "Actor",
    "ActorCentroid",
    "CloneState",
    "CloneStep",
    "Comparison",
    "Consent",
    "ConsentUse",
    "Decision",
    "DecisionKind",
    "DiscardedClone",
    "DiscardedFile",
    "PinnedVoice",
    "Preview",
    "PreviewState",
    "Rejection",
    "SampleState",
    "Speaker",
    "SpeakerState",
    "Title",
    "UsualVoice",
    "Verdict",
    "VoiceClone",
    "VoiceSample",
    "Voiceprint",
]
