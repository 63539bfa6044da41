"""Addresses of projects below ``/api/``."""

from __future__ import annotations

from django.urls import path

from sessions_app.projects.api import (
    exports,
    history,
    jobs,
    lines,
    overview,
    projects,
    speakers,
    tracks,
    uploads,
)

_PROJECT = "projects/<uuid:project_id>"
_LINE = f"{_PROJECT}/lines/<int:number>"
_SPEAKER = f"{_PROJECT}/speakers/<int:project_speaker_id>"
_JOB = "jobs/<uuid:job_id>"

urlpatterns = [
    path("upload-audio", uploads.UploadAudioView.as_view(), name="upload-audio"),
    path("uploads", uploads.UploadsView.as_view(), name="uploads"),
    path("uploads/<uuid:upload_id>", uploads.UploadView.as_view(), name="upload"),
    path("projects", projects.ProjectsView.as_view(), name="api-projects"),
    path(_PROJECT, projects.ProjectView.as_view(), name="api-project"),
    path(f"{_PROJECT}/original", projects.OriginalView.as_view(), name="add-original"),
    path(f"{_PROJECT}/dub", projects.RedubView.as_view(), name="dub-project"),
    path(f"{_PROJECT}/check", projects.CheckView.as_view(), name="check-project"),
    path(f"{_PROJECT}/undo", history.UndoView.as_view(), name="undo-change"),
    path(f"{_PROJECT}/changes", history.ChangesView.as_view(), name="changes"),
    path(f"{_PROJECT}/waveform", tracks.WaveformView.as_view(), name="waveform"),
    path(f"{_PROJECT}/tracks/original", tracks.OriginalTrackView.as_view(), name="play-original"),
    path(f"{_PROJECT}/tracks/dub", tracks.DubTrackView.as_view(), name="play-dub"),
    path(f"{_PROJECT}/tracks/mix", tracks.MixTrackView.as_view(), name="play-mix"),
    path(f"{_PROJECT}/speakers", speakers.SpeakersOfProjectView.as_view(), name="project-speakers"),
    path(
        _SPEAKER,
        speakers.SpeakerOfProjectView.as_view(),
        name="project-speaker",
    ),
    path(f"{_SPEAKER}/confirm", speakers.ConfirmActorView.as_view(), name="confirm-actor"),
    path(f"{_SPEAKER}/reject", speakers.RejectActorView.as_view(), name="reject-actor"),
    path(f"{_PROJECT}/lines", lines.LinesOfProjectView.as_view(), name="project-lines"),
    path(f"{_PROJECT}/lines/overview", overview.OverviewView.as_view(), name="lines-overview"),
    path(_LINE, lines.LineOfProjectView.as_view(), name="project-line"),
    path(f"{_LINE}/undo", lines.LineUndoView.as_view(), name="undo-line"),
    path(f"{_LINE}/audio", lines.LineSoundView.as_view(), name="play-line"),
    path(f"{_LINE}/comments", history.CommentsView.as_view(), name="comments"),
    path(f"{_LINE}/comments/<int:comment_id>", history.CommentView.as_view(), name="comment"),
    path(f"{_PROJECT}/exports", exports.ExportsView.as_view(), name="exports"),
    path("exports/<uuid:export_id>", exports.ExportView.as_view(), name="export"),
    path("exports/<uuid:export_id>/file", exports.ExportFileView.as_view(), name="export-file"),
    path("jobs", jobs.JobsView.as_view(), name="jobs"),
    path(_JOB, jobs.JobView.as_view(), name="job"),
    path(f"{_JOB}/cancel", jobs.JobCancelView.as_view(), name="cancel-job"),
    path(f"{_JOB}/retry", jobs.JobRetryView.as_view(), name="retry-job"),
    path(f"{_JOB}/events", jobs.JobEventsView.as_view(), name="job-events"),
]
