"""What a run says of itself in plain words; clients tell notices apart by their code."""

from pipeline.events import Notice

AUDIO_DROPPED = Notice(
    code="audio_dropped",
    message="The server cannot keep up: some of the source was not heard.",
)
MEDIA_JUMP = Notice(code="media_jump", message="Some of the source is missing; going on.")
RECOGNIZER_RESTARTED = Notice(
    code="recognizer_restarted", message="Recognition restarted; nothing is lost."
)
