"""Bounds of actors, samples and clones."""

from pipeline.bounding import bound, group
from pipeline.bounds.terms import MIB

with group("Voices"):
    ACTORS_MAX = bound("actors", 20_000, "actors", "actors of one person", "refused")
    ACTOR_ALIASES_MAX = bound("actor_aliases", 32, "names", "other names of an actor", "refused")
    ACTOR_LANGUAGES_MAX = bound("actor_languages", 32, "codes", "languages of an actor", "refused")
    ACTOR_SAMPLES_MAX = bound("actor_samples", 100, "samples", "samples of an actor", "refused")
    ACTOR_CONSENTS_MAX = bound("actor_consents", 200, "consents", "consents of an actor", "refused")
    PICTURE_MAX_BYTES = bound("picture", 5 * MIB, "bytes", "an actor's picture", "refused")
    PICTURE_MAX_PIXELS = bound(
        "picture_size",
        50_000_000,
        "pixels",
        "an actor's picture before it is made small",
        "refused",
    )
    EVIDENCE_MAX_BYTES = bound("evidence", 10 * MIB, "bytes", "evidence of a consent", "refused")
    SAMPLE_NAME_MAX = bound(
        "sample_name", 200, "characters", "a sample's name in `keep_sample`", "`message_invalid`"
    )
    SAMPLE_KEEPING_S = bound(
        "sample_keeping",
        20.0,
        "seconds",
        "storing a sample of a live session",
        "given up, `sample_not_kept`",
    )
    SPOKEN_STRETCHES_MAX = bound(
        "spoken_stretches",
        64,
        "clauses",
        "whose sound on the tape may be kept as a sample",
        "the oldest is forgotten",
    )
    SAMPLE_MAX_BYTES = bound("sample_upload", 15 * MIB, "bytes", "an uploaded sample", "refused")
    SAMPLE_MAX_S = bound("sample_length", 600.0, "seconds", "a voice sample", "refused")
    SAMPLE_STRETCHES_MAX = bound(
        "sample_stretches", 400, "stretches", "speech compared in a sample", "the rest is left out"
    )
    SAMPLE_ATTEMPTS_MAX = bound(
        "sample_attempts", 3, "attempts", "attempts to analyse a sample", "it is marked as failed"
    )
    SAMPLE_ANALYSIS_S = bound(
        "sample_analysis", 300, "seconds", "an attempt to analyse a sample", "it is cut short"
    )
    SAMPLE_LINK_S = bound("sample_link", 900, "seconds", "a link to a sample's sound", "404")
    SAMPLE_PIECE_BYTES = bound(
        "sample_piece", MIB // 4, "bytes", "what is read of a stored file at once", "read in pieces"
    )
    CLONES_OF_ACTOR_MAX = bound("actor_clones", 20, "clones", "clones of an actor", "refused")
    CLONE_SAMPLES_MAX = bound(
        "clone_samples", 20, "samples", "recordings that a clone is made of", "refused"
    )
    CLONE_MATERIAL_MAX_S = bound(
        "clone_material", 300.0, "seconds", "speech that a clone is made of", "the rest is left out"
    )
    CLONE_ATTEMPTS_MAX = bound(
        "clone_attempts", 6, "attempts", "attempts to make a clone", "it is marked as failed"
    )
    CLONE_MAKING_S = bound(
        "clone_making", 600, "seconds", "an attempt to make a clone", "it is cut short"
    )
    CLONE_CLAIM_S = bound(
        "clone_claim",
        180,
        "seconds",
        "a step of making a clone, after which its worker is taken for dead",
        "another one goes on",
    )
    CLONE_TRIES_MAX = bound(
        "clone_tries", 12, "settings", "settings tried for one clone", "the best of them is kept"
    )
    CLONE_ASKED_S = bound(
        "clone_asked", 10.0, "seconds", "keeping samples and asking for a clone", "told as failed"
    )
    CLONE_STREAMS_MAX = bound(
        "clone_streams", 64, "streams", "streams of clones' events of one process", "503"
    )
    CLONE_LOOK_S = bound(
        "clone_look", 15.0, "seconds", "whoever watches a clone, without a notice", "looked at"
    )
    NOTICE_TOLD_S = bound(
        "notice_told", 5.0, "seconds", "telling those who watch something", "they look themselves"
    )
    WITHDRAWN_MAX = bound(
        "withdrawn", 1_000, "voices", "clones withdrawn during one run", "the others are not cast"
    )
    CLONES_DISCARDED_AT_ONCE = bound(
        "clones_discarded", 50, "voices", "voices deleted at vendors at once", "the rest comes next"
    )
    CLONE_DISCARD_PAUSE_S = bound(
        "clone_discard_pause",
        21_600,
        "seconds",
        "until a vendor that would not delete a voice is asked again",
        "asked again",
    )
    CLONE_UNNOTED_S = bound(
        "clone_unnoted",
        1_800,
        "seconds",
        "a voice that may be at a vendor and is not written down yet",
        "it is looked for and deleted",
    )
    PREVIEW_TEXT_MAX = bound("preview_text", 400, "characters", "the text of a preview", "refused")
    PREVIEWS_AT_ONCE_MAX = bound(
        "previews_at_once", 6, "voices", "voices compared at once", "refused"
    )
    COMPARISONS_MAX = bound(
        "comparisons", 200, "comparisons", "comparisons that one person keeps", "the oldest goes"
    )
    COMPARISON_DAYS = bound("comparison_days", 7, "days", "a comparison", "it is deleted")
    PREVIEW_S = bound(
        "preview_making", 120, "seconds", "an attempt at a preview", "it is cut short"
    )
    PREVIEW_ATTEMPTS_MAX = bound(
        "preview_attempts", 3, "attempts", "attempts at a preview", "it is marked as failed"
    )
    CONSENT_GRACE_DAYS = bound(
        "consent_grace",
        30,
        "days",
        "what rests on a consent that has expired, unused, until it is renewed",
        "it is deleted",
    )
    EXPIRY_TOLD_S = bound(
        "expiry_told", 180, "seconds", "during which live sessions are told of an expiry", "no more"
    )
    STRAY_FILE_S = bound(
        "stray_file", 3600, "seconds", "a stored file that no row refers to yet", "it is deleted"
    )
    SPEAKER_SPANS_MAX = bound(
        "speaker_spans", 500, "spans", "parts of a speaker that are split off at once", "refused"
    )
    MERGED_ACTORS_MAX = bound(
        "merged_actors", 50, "actors", "actors or speakers merged or split at once", "refused"
    )
