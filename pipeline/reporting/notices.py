"""What a run says of itself in plain words; clients tell notices apart by their code."""

from pipeline.events import Notice

AUDIO_DROPPED = Notice(
    code="audio_dropped",
    message="Sound comes faster than it is heard: the oldest was left out. Send it at the pace at "
    "which it is spoken; if you do, the server has too much to do.",
)
MEDIA_JUMP = Notice(code="media_jump", message="Some of the source is missing; going on.")
RECOGNIZER_RESTARTED = Notice(
    code="recognizer_restarted", message="Recognition restarted; nothing is lost."
)
LINES_MISSED = Notice(
    code="lines_missed",
    message="Some lines of the session that you follow were not kept until you could take them.",
)
