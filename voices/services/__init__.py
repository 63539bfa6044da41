"""Everything that changes actors and what is theirs. Selectors say who may."""

from voices.services.actors import (
    actor_merged,
    create_actor,
    delete_actor,
    edit_actor,
    give_actor,
    merge_actors,
    set_picture,
    share_actor,
    split_actor,
)
from voices.services.clones import delete_clone, edit_clone, optimise_clone, request_clone
from voices.services.consents import (
    give_consent,
    revoke_consent,
    settle_expired_consents,
    valid_consent,
)
from voices.services.pins import pin_voice, unpin_voice
from voices.services.previews import Wished, compare
from voices.services.sample_analysis import analyse_again
from voices.services.samples import (
    delete_sample,
    edit_sample,
    keep_from_session,
    upload_sample,
)
from voices.services.speakers import (
    confirm,
    ensure_speaker,
    forget_session,
    merge_speakers,
    note_match,
    reject,
    rename_speaker,
    share_session,
    speaker_decided,
    speaker_moved,
    split_speaker,
)
from voices.services.titles import ensure_title, title_key

__all__ = [
    "Wished",
    "actor_merged",
    "analyse_again",
    "compare",
    "confirm",
    "create_actor",
    "delete_actor",
    "delete_clone",
    "delete_sample",
    "edit_actor",
    "edit_clone",
    "edit_sample",
    "ensure_speaker",
    "ensure_title",
    "forget_session",
    "give_actor",
    "give_consent",
    "keep_from_session",
    "merge_actors",
    "merge_speakers",
    "note_match",
    "optimise_clone",
    "pin_voice",
    "reject",
    "rename_speaker",
    "request_clone",
    "revoke_consent",
    "set_picture",
    "settle_expired_consents",
    "share_actor",
    "share_session",
    "speaker_decided",
    "speaker_moved",
    "split_actor",
    "split_speaker",
    "title_key",
    "unpin_voice",
    "upload_sample",
    "valid_consent",
]
