"""Bounds of files and projects."""

from pipeline.bounding import bound, group
from pipeline.bounds.terms import MIB, TIMED_OUT, WAITS

with group("Files and projects"):
    MEDIA_MAX_BYTES = bound(
        "media_upload", 2048 * MIB, "bytes", "an uploaded or fetched file", "refused"
    )
    MEDIA_MAX_S = bound("media_length", 6 * 3600.0, "seconds", "a file to dub", "refused")
    UPLOAD_PIECE_MAX_BYTES = bound(
        "upload_piece", 8 * MIB, "bytes", "a piece of a resumable upload", "413"
    )
    UPLOADS_MAX = bound("uploads", 10, "uploads", "unfinished uploads of a user", "refused")
    UPLOAD_KEPT_S = bound(
        "upload_kept", 86_400, "seconds", "an upload that nothing was made of", "it is deleted"
    )
    FETCH_S = bound("fetch", 1800.0, "seconds", "fetching a file from its address", "refused")
    FETCH_REDIRECTS_MAX = bound(
        "fetch_redirects", 5, "redirects", "from an address to the file", "refused"
    )
    PROJECTS_MAX = bound("projects", 500, "projects", "projects of a user", "refused")
    PROJECT_BYTES_MAX = bound(
        "project_files", 50 * 1024 * MIB, "bytes", "files of all projects of a user", "refused"
    )
    PROJECT_LINES_MAX = bound(
        "project_lines", 20_000, "lines", "lines of a project", "the file is refused"
    )
    OVERVIEW_PAGE_MAX = bound(
        "overview_page", 500, "lines", "a page of a project's overview", "asked for anew"
    )
    PROJECT_TEXT_MAX = bound(
        "project_text", 2000, "characters", "a line's source or translation", "refused"
    )
    PROJECT_SPEAKERS_MAX = bound(
        "project_speakers", 100, "speakers", "speakers of a project", "refused"
    )
    COMMENTS_MAX = bound("comments", 200, "comments", "comments on a line", "refused")
    COMMENT_MAX = bound("comment", 2000, "characters", "a comment", "refused")
    SUBTITLES_MAX_BYTES = bound(
        "subtitles", 2 * MIB, "bytes", "subtitles that are given", "refused"
    )
    EXPORTS_MAX = bound(
        "exports", 20, "exports", "exports kept of a project", "the oldest is deleted"
    )
    SOUNDS_PRUNED_MAX = bound(
        "sounds_pruned",
        2000,
        "sounds",
        "sounds of a project deleted at the end of a job",
        "the next job deletes the rest",
    )
    JOBS_MAX = bound("jobs", 20, "jobs", "unfinished jobs of a user", "refused")
    PARTS_AT_ONCE = bound(
        "parts_at_once", 16, "parts", "parts of one job that wait in the broker", WAITS
    )
    PART_S = bound("part", 900, "seconds", "an attempt at a part of a job", "it is cut short")
    PART_LEASE_S = bound(
        "part_lease",
        30,
        "seconds",
        "a part of which its worker has said nothing",
        "another worker takes it",
    )
    PART_ATTEMPTS_MAX = bound(
        "part_attempts",
        4,
        "attempts",
        "failures of a part",
        "the job fails and may be tried again",
    )
    PART_TAKEOVERS_MAX = bound(
        "part_takeovers",
        20,
        "workers",
        "workers that died over a part",
        "the job fails and may be tried again",
    )
    ROW_WAIT_S = bound(
        "row_wait", 10.0, "seconds", "a request for a row that another one changes", "`row_busy`"
    )
    JOB_WAIT_S = bound("job_wait", 30.0, "seconds", "a request that waits for its job", "202")
    BATCH_LINE_S = bound("batch_line", 120.0, "seconds", "speaking a line of a file", TIMED_OUT)
    BATCH_SHORTER_S = bound(
        "batch_shorter", 20.0, "seconds", "another wording for a line", "it is hurried as it is"
    )
    FFMPEG_S = bound("ffmpeg", 3600.0, "seconds", "one pass of FFmpeg over a file", "the job fails")
    EVENT_STREAMS_MAX = bound(
        "event_streams", 64, "streams", "streams of jobs' events of one process", "503"
    )
    JOB_LOOK_S = bound(
        "job_look", 5.0, "seconds", "whoever watches a job, without a notice", "looked at"
    )
    EVENTS_S = bound(
        "event_stream", 3600.0, "seconds", "a stream of events", "ends; the client asks anew"
    )
