"""Bounds of the server: its processes, webhooks, and what settings decide."""

from pipeline.bounding import bound, group, set_by
from pipeline.bounds.terms import MIB

with group("Webhooks"):
    WEBHOOKS_MAX = bound("webhooks", 20, "webhooks", "webhooks of one person", "refused")
    WEBHOOK_URL_MAX = bound("webhook_url", 2048, "characters", "a webhook's address", "refused")
    WEBHOOK_CONNECT_S = bound(
        "webhook_connect", 5.0, "seconds", "finding and reaching a receiver", "tried again later"
    )
    WEBHOOK_ANSWER_S = bound(
        "webhook_answer", 10.0, "seconds", "one delivery, until its answer", "tried again later"
    )
    WEBHOOK_ANSWER_MAX_BYTES = bound(
        "webhook_answer_size", 65_536, "bytes", "what is read of a receiver's answer", "not read"
    )
    WEBHOOK_WAITING_MAX = bound(
        "webhook_waiting",
        10_000,
        "deliveries",
        "deliveries that wait for one endpoint",
        "logged as failed with `backlog_full`; may be replayed",
    )
    WEBHOOK_LOG_MAX = bound(
        "webhook_log", 20, "tries", "tries kept of one delivery", "the oldest is forgotten"
    )
    WEBHOOK_KEPT_DAYS = bound(
        "webhook_kept", 30, "days", "a delivery that is over, and its event", "forgotten"
    )
    WEBHOOK_FAILING_DAYS = bound(
        "webhook_failing",
        5,
        "days",
        "deliveries to an endpoint that all fail",
        "it is disabled, and its owner is told",
    )
    WEBHOOK_BATCH_MAX = bound(
        "webhook_batch", 50, "deliveries", "deliveries to one endpoint in a row", "others go first"
    )
    WEBHOOK_THREADS = bound(
        "webhook_threads", 8, "endpoints", "endpoints delivered to at once", "they wait"
    )
    WEBHOOK_ROUND_S = bound(
        "webhook_round", 30.0, "seconds", "one round of the worker's deliveries", "the next goes on"
    )
    WEBHOOK_LEASE_S = bound(
        "webhook_lease",
        120.0,
        "seconds",
        "a worker's deliveries to one endpoint in a row",
        "it counts as dead; others go on",
    )

with group("Server"):
    CONNECT_SECONDS = bound("handshake", 5, "seconds", "a socket's handshake", "it is dropped")
    CLOSE_SECONDS = bound(
        "application_close", 10, "seconds", "an application whose client has gone", "cancelled"
    )
    HTTP_SECONDS = bound("http_answer", 120, "seconds", "the answer to a request", "503")
    BODY_MAX_BYTES = bound("http_body", 16 * MIB, "bytes", "the body of a request", "413")
    PING_SECONDS = bound("ping", 20, "seconds", "a quiet socket", "a ping is sent")
    PONG_SECONDS = bound("pong", 30, "seconds", "the answer to a ping", "the connection is dropped")
    LINGER_SECONDS = bound(
        "linger",
        10.0,
        "seconds",
        "reading what is left after a goodbye",
        "the connection is dropped",
    )
    GOODBYE_SECONDS = bound(
        "goodbye", 0.5, "seconds", "the last close frames, after the drain", "the end"
    )
    CANCEL_SECONDS = bound(
        "cancel", 2.0, "seconds", "cancelled applications cleaning up", "the end"
    )
    PROBE_SECONDS = bound("probe", 1.0, "seconds", "a health probe", "the part is not well")
    PROBE_THREADS = bound("probe_threads", 8, "threads", "threads of the probes", "probes wait")
    ANSWER_SECONDS = bound("health_answer", 5, "seconds", "a container's health check", "unhealthy")

with group("Services"):
    ENDS_MAX = bound(
        "process_ends",
        5,
        "ends",
        "a process that ends on its own, a minute",
        "everything stops, unless the disk is full: then it is tried until there is room",
    )
    LONGEST_DELAY_SECONDS = bound(
        "process_delay", 8.0, "seconds", "the pause before it is started again", "no longer"
    )
    KILL_SECONDS = bound("process_kill", 5.0, "seconds", "a process told to end", "it is killed")
    STOP_SECONDS = bound(
        "services_stop", 20.0, "seconds", "stopping everything, on top of the drain", "killed"
    )
    READY_SECONDS = bound(
        "services_ready", 150.0, "seconds", "starting everything", "the start fails"
    )
    STORE_SECONDS = bound("stores", 30.0, "seconds", "the stores to answer", "the start fails")
    MIGRATION_SECONDS = bound(
        "migration", 120.0, "seconds", "the database's migration", "the start fails"
    )
    PREPARE_SECONDS = bound(
        "postgres_prepare", 120, "seconds", "preparing the embedded Postgres", "the start fails"
    )
    OLD_SERVER_SECONDS = bound(
        "postgres_old", 20, "seconds", "an old Postgres still at work", "the start fails"
    )

with group("Set by settings"):
    set_by(
        "MAX_SESSIONS",
        "sessions",
        64,
        "sessions",
        "live sessions of one server process",
        "refused, `overloaded`",
    )
    set_by(
        "MAX_SESSIONS_PER_USER",
        "sessions_of_user",
        8,
        "sessions",
        "live sessions of one user",
        "refused, `too_many_sessions`",
    )
    set_by(
        "MAX_MINUTES_PER_DAY",
        "minutes_of_user",
        0,
        "minutes",
        "source that one user has dubbed a day, reserved included; 0 is no limit",
        "`quota_exceeded`",
    )
    set_by(
        "MAX_COST_PER_DAY",
        "cost_of_user",
        0.0,
        "units of money",
        "what one user's engines cost a day; 0 is no limit",
        "`quota_exceeded`",
    )
    set_by(
        "API_REQUESTS_PER_MINUTE",
        "request_rate",
        600,
        "requests a minute",
        "requests of one token over REST",
        "429, `too_many_requests`",
    )
    set_by(
        "MAX_MESSAGES_PER_SECOND",
        "message_rate",
        200,
        "messages a second",
        "messages of one connection",
        "left out, `too_fast`",
    )
    set_by(
        "MAX_CHUNK_DURATION",
        "chunk",
        1.0,
        "seconds",
        "one chunk of source audio",
        "`frame_too_long`, `chunk_too_long`",
    )
    set_by(
        "RESUME_SECONDS",
        "resume",
        15,
        "seconds",
        "a session whose client is away",
        "it ends",
    )
    set_by(
        "DRAIN_SECONDS",
        "drain",
        4,
        "seconds",
        "sessions finishing what they say when the server stops",
        "they move as they are",
    )
    set_by("CACHE_TTL", "cache", 3600, "seconds", "a cached result", "made anew")
