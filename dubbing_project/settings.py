"""The one settings module: every value is read from the environment, strictly.

A wrong value ends the start with one line on stderr. README.md lists every variable.
"""

from __future__ import annotations

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF

from dubbing_project.environment import SettingError, load_environment
from dubbing_project.logs import logging_settings
from dubbing_project.secret_key import kept_secret_key
from dubbing_project.service_urls import (
    parse_database_url,
    parse_email_url,
    parse_redis_url,
)
from dubbing_project.services.locations import ServiceLocations
from pipeline.guards.prices import parse_prices
from pipeline.providers.catalogue import STAND_INS, parse_engines

BASE_DIR = Path(__file__).resolve().parent.parent

_REGION = r"[a-z][a-z0-9-]{1,31}"
_MODEL = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
_ENDPOINT = r"[A-Za-z0-9_.\[\]:-]+:[0-9]{1,5}"
_HOST_AND_PORT = "a host and port, such as localhost:8443"

try:
    environment = load_environment(BASE_DIR, os.environ)

    # Where everything that is made, downloaded or kept lives.
    DUBBING_VAR = environment.path("DUBBING_VAR", default=BASE_DIR / "var", root=BASE_DIR)
    STATIC_ROOT = environment.made("DUBBING_VAR", DUBBING_VAR / "static")
    DUBBING_MODELS = environment.path(
        "DUBBING_MODELS", default=DUBBING_VAR / "models", root=BASE_DIR
    )

    # The server
    HOST = environment.host("HOST", default="127.0.0.1")
    PORT = environment.integer("PORT", default=8000, minimum=0, maximum=65535)
    DEBUG = environment.boolean("DEBUG", default=False)
    AUDIO_DEBUG = environment.boolean("AUDIO_DEBUG", default=False)
    HTTPS = environment.boolean("HTTPS", default=False)
    SECRET_KEY = environment.secret("SECRET_KEY") or kept_secret_key(DUBBING_VAR / "secret_key")
    # Keys that SECRET_KEY was before: what they signed or sealed can still be read.
    SECRET_KEY_FALLBACKS = environment.secrets("SECRET_KEY_FALLBACKS")
    ALLOWED_HOSTS = environment.words(
        "ALLOWED_HOSTS", default=dict.fromkeys(("localhost", "127.0.0.1", "[::1]", HOST))
    )
    CSRF_TRUSTED_ORIGINS = environment.origins("CSRF_TRUSTED_ORIGINS")
    # An extension's origin proves nothing and has no cookie of ours: its ticket lets it in.
    ALLOWED_ORIGINS = environment.origins(
        "ALLOWED_ORIGINS", default=("chrome-extension://*", "moz-extension://*")
    )
    WEB_PROCESSES = environment.integer("WEB_PROCESSES", default=1, minimum=1, maximum=16)
    DRAIN_SECONDS = environment.integer("DRAIN_SECONDS", default=4, minimum=0, maximum=300)
    LOG_LEVEL = environment.choice(
        "LOG_LEVEL", default="INFO", allowed=("DEBUG", "INFO", "WARNING", "ERROR")
    )
    LOG_LEVELS = environment.levels("LOG_LEVELS")
    METRICS_TOKEN = environment.secret("METRICS_TOKEN")
    if METRICS_TOKEN and len(METRICS_TOKEN) < 16:
        raise SettingError("METRICS_TOKEN", "…", "nothing, or a secret of 16 characters or more")
    DISK_FREE_MIN_MB = environment.integer(
        "DISK_FREE_MIN_MB", default=200, minimum=0, maximum=10_000_000
    )

    # Dubbing
    ENGINES = environment.parsed("ENGINES", parse_engines, default="auto")
    FAILOVER = environment.words("FAILOVER", default=("offline",))
    if FAILOVER == ["none"]:
        FAILOVER = []
    if unknown := [name for name in FAILOVER if name not in STAND_INS]:
        raise SettingError("FAILOVER", unknown[0], f"none, or of: {', '.join(STAND_INS)}")
    SPECULATE = environment.boolean("SPECULATE", default=True)
    SAMPLE_RATE = environment.integer("SAMPLE_RATE", default=16000, minimum=8000, maximum=48000)
    CHUNK_SIZE = environment.integer("CHUNK_SIZE", default=1024, minimum=128, maximum=16384)
    MAX_CHUNK_DURATION = environment.number(
        "MAX_CHUNK_DURATION", default=1.0, minimum=0.02, maximum=10.0
    )
    if CHUNK_SIZE / SAMPLE_RATE > MAX_CHUNK_DURATION:
        raise SettingError(
            "CHUNK_SIZE", str(CHUNK_SIZE), "at most MAX_CHUNK_DURATION x SAMPLE_RATE samples"
        )
    VOICE_SIMILARITY_THRESHOLD = environment.number(
        "VOICE_SIMILARITY_THRESHOLD", default=0.8, minimum=0.0, maximum=1.0
    )
    VOICE_STABILITY = environment.number("VOICE_STABILITY", default=0.5, minimum=0.0, maximum=1.0)
    VOICE_CLARITY = environment.number("VOICE_CLARITY", default=0.75, minimum=0.0, maximum=1.0)
    MAX_CONCURRENT_REQUESTS = environment.integer(
        "MAX_CONCURRENT_REQUESTS", default=10, minimum=1, maximum=1000
    )
    RESUME_SECONDS = environment.integer("RESUME_SECONDS", default=15, minimum=0, maximum=300)
    MAX_SESSIONS = environment.integer("MAX_SESSIONS", default=64, minimum=1, maximum=10_000)
    MAX_SESSIONS_PER_USER = environment.integer(
        "MAX_SESSIONS_PER_USER", default=8, minimum=1, maximum=10_000
    )
    MAX_MINUTES_PER_DAY = environment.integer(
        "MAX_MINUTES_PER_DAY", default=0, minimum=0, maximum=100_000
    )
    ENGINE_PRICES = environment.parsed("ENGINE_PRICES", parse_prices)
    PRICE_CURRENCY = environment.matching(
        "PRICE_CURRENCY", r"[A-Z]{3}", "three capital letters such as USD", default="USD"
    )
    MAX_COST_PER_DAY = environment.number(
        "MAX_COST_PER_DAY", default=0.0, minimum=0.0, maximum=1_000_000.0
    )
    if MAX_COST_PER_DAY and not ENGINE_PRICES:
        raise SettingError("ENGINE_PRICES", "", "prices while MAX_COST_PER_DAY is set")
    API_REQUESTS_PER_MINUTE = environment.integer(
        "API_REQUESTS_PER_MINUTE", default=600, minimum=10, maximum=1_000_000
    )
    MAX_MESSAGES_PER_SECOND = environment.integer(
        "MAX_MESSAGES_PER_SECOND", default=200, minimum=20, maximum=100_000
    )
    CACHE_TTL = environment.integer("CACHE_TTL", default=3600, minimum=0, maximum=30 * 86400)

    # Engines that need a key, a model or a hint
    ALLOW_USER_KEYS = environment.boolean("ALLOW_USER_KEYS", default=True)
    SOURCE_CANDIDATES = environment.words("SOURCE_CANDIDATES", default=("en", "es", "fr", "de"))
    if len(SOURCE_CANDIDATES) > 4 or not all(
        re.fullmatch(r"[a-z]{2,3}", language) for language in SOURCE_CANDIDATES
    ):
        raise SettingError(
            "SOURCE_CANDIDATES", ",".join(SOURCE_CANDIDATES), "one to four codes such as en,es"
        )
    GOOGLE_CLOUD_CREDENTIALS_PATH = environment.existing_file(
        "GOOGLE_CLOUD_CREDENTIALS_PATH", root=BASE_DIR
    )
    GOOGLE_API_KEY = environment.secret("GOOGLE_API_KEY")
    # An empty file is what the deployment's scripts make where there is no account.
    if GOOGLE_CLOUD_CREDENTIALS_PATH and GOOGLE_CLOUD_CREDENTIALS_PATH.stat().st_size < 2:
        GOOGLE_CLOUD_CREDENTIALS_PATH = None
    if GOOGLE_API_KEY and GOOGLE_CLOUD_CREDENTIALS_PATH:
        raise SettingError(
            "GOOGLE_API_KEY", "…", "nothing while GOOGLE_CLOUD_CREDENTIALS_PATH is set too"
        )
    GOOGLE_CLOUD_PROJECT = environment.matching(
        "GOOGLE_CLOUD_PROJECT", r"[a-z0-9:.-]{1,64}", "the id of a project of Google Cloud's"
    )
    GOOGLE_SPEECH_REGION = environment.matching(
        "GOOGLE_SPEECH_REGION", _REGION, "a region such as eu, us or europe-west4", default="eu"
    )
    GOOGLE_SPEECH_MODEL = environment.matching(
        "GOOGLE_SPEECH_MODEL", _MODEL, "a model such as long or chirp_3", default="long"
    )
    GOOGLE_TRANSLATION_REGION = environment.matching(
        "GOOGLE_TRANSLATION_REGION",
        _REGION,
        "global, or a region such as us-central1",
        default="global",
    )
    ELEVENLABS_API_KEY = environment.secret("ELEVENLABS_API_KEY")
    ELEVENLABS_MODEL = environment.matching(
        "ELEVENLABS_MODEL", _MODEL, "a model's id", default="eleven_flash_v2_5"
    )
    WHISPER_MODEL = environment.text("WHISPER_MODEL")
    WSI_MODEL = environment.text("WSI_MODEL")

    # Stand-ins and private gateways, at addresses of their own
    GOOGLE_SPEECH_ENDPOINT = environment.matching(
        "GOOGLE_SPEECH_ENDPOINT", _ENDPOINT, _HOST_AND_PORT
    )
    GOOGLE_TRANSLATION_ENDPOINT = environment.matching(
        "GOOGLE_TRANSLATION_ENDPOINT", _ENDPOINT, _HOST_AND_PORT
    )
    ELEVENLABS_BASE_URL = environment.matching(
        "ELEVENLABS_BASE_URL",
        r"https?://[A-Za-z0-9_.:\[\]-]+(/[A-Za-z0-9_./-]*)?",
        "an address such as https://api.elevenlabs.io",
        default="https://api.elevenlabs.io",
    )
    CLOUD_ROOT_CERTIFICATES = environment.existing_file("CLOUD_ROOT_CERTIFICATES", root=BASE_DIR)

    # People and mail
    SIGN_UP = environment.choice("SIGN_UP", default="open", allowed=("open", "invited", "closed"))
    EMAIL_URL = environment.url("EMAIL_URL", parse_email_url)
    EMAIL_FROM = environment.matching(
        "EMAIL_FROM",
        r"[^<>@\r\n]*<?[^<>@\s]+@[^<>@\s]+>?",
        "an address such as dubbing@example.org, or Name <dubbing@example.org>",
        default="Live dubbing <dubbing@localhost>",
    )

    # Webhooks
    WEBHOOKS_PRIVATE_ADDRESSES = environment.boolean("WEBHOOKS_PRIVATE_ADDRESSES", default=False)
    FETCH_PRIVATE_ADDRESSES = environment.boolean("FETCH_PRIVATE_ADDRESSES", default=False)
    WEBHOOKS_ROOT_CERTIFICATES = environment.existing_file(
        "WEBHOOKS_ROOT_CERTIFICATES", root=BASE_DIR
    )

    # Services: the operator's own, or the embedded ones at their known sockets.
    SERVICE_LOCATIONS = ServiceLocations(root=DUBBING_VAR / "services")
    DATABASE_URL = (
        environment.url("DATABASE_URL", parse_database_url) or SERVICE_LOCATIONS.database_url
    )
    REDIS_URL = environment.url("REDIS_URL", parse_redis_url) or SERVICE_LOCATIONS.redis_url

    # Files
    STORAGE = environment.choice("STORAGE", default="local", allowed=("local", "s3"))
    S3_BUCKET = environment.text("S3_BUCKET")
    S3_ENDPOINT_URL = environment.text("S3_ENDPOINT_URL")
    S3_REGION = environment.text("S3_REGION")
    S3_ACCESS_KEY_ID = environment.secret("S3_ACCESS_KEY_ID")
    S3_SECRET_ACCESS_KEY = environment.secret("S3_SECRET_ACCESS_KEY")
    if STORAGE == "s3" and not S3_BUCKET:
        raise SettingError("S3_BUCKET", "", "the bucket's name while STORAGE is s3")
    S3_ORIGIN = ""
    if STORAGE == "s3":
        # Its library takes a while to load, and a folder does without.
        from dubbing_project.bucket import bucket_origin

        try:
            S3_ORIGIN = bucket_origin(S3_BUCKET, endpoint_url=S3_ENDPOINT_URL, region=S3_REGION)
        except ValueError:
            form = "https://host or https://host:port, and a bucket's name without slashes"
            raise SettingError("S3_ENDPOINT_URL", S3_ENDPOINT_URL, form) from None
except SettingError as error:
    raise SystemExit(f"Wrong setting: {error}") from None
except OSError as error:
    # Of the secret key's file: a full disk, or one that belongs to somebody else.
    raise SystemExit(f"Cannot start: {error}") from None

INSTALLED_APPS = [
    "daphne",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",
    "csp",
    "django.contrib.postgres",
    "channels",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "knox",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "dubbing_project",
    "accounts",
    "voices",
    "sessions_app",
]
MIDDLEWARE = [
    "dubbing_project.request_ids.request_ids",
    "accounts.rest.rim.api_rim",
    "django.middleware.security.SecurityMiddleware",
    "dubbing_project.browser_policy.browser_policy",
    "csp.middleware.CSPMiddleware",
    "dubbing_project.compression.compression",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
]
ROOT_URLCONF = "dubbing_project.urls"
ASGI_APPLICATION = "dubbing_project.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "builtins": ["dubbing_project.templatetags.portal"],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context.portal",
            ],
        },
    }
]
FORM_RENDERER = "dubbing_project.forms.PortalRenderer"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = True

# Data
DATABASES = {
    "default": parse_database_url(DATABASE_URL)
    | {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}
}
DATABASES["default"]["OPTIONS"] = {"connect_timeout": "5"} | DATABASES["default"]["OPTIONS"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
_redis = parse_redis_url(REDIS_URL)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": _redis.client,
        "TIMEOUT": CACHE_TTL,
        "KEY_PREFIX": "dubbing",
        "OPTIONS": {"socket_connect_timeout": 2, "socket_timeout": 2},
    }
}
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        "BACKEND": "channels_redis.core.RedisChannelLayer",
        # Notices only, never audio: a client that is slow to read loses the oldest.
        "CONFIG": {"hosts": [_redis.client], "capacity": 200, "expiry": 30},
    }
}
CELERY_BROKER_URL = _redis.celery
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_TIME_LIMIT = 3600
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A Redis that cannot write, as on a full disk, answers with errors; otherwise Celery ends at
# the first one, and its end hangs.
CELERY_BROKER_CHANNEL_ERROR_RETRY = True
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    "sessions.interrupt_abandoned": {"task": "sessions.interrupt_abandoned", "schedule": 60.0},
    "accounts.sweep_exports": {"task": "accounts.sweep_exports", "schedule": 3600.0},
    "voices.look_after": {"task": "voices.look_after", "schedule": 60.0},
    "projects.look_after": {
        "task": "projects.look_after",
        "schedule": 10.0,
        "options": {"expires": 30},
    },
    # A round that waited while the worker was away is of no use afterwards: the next one is.
    "webhooks.deliver_due": {
        "task": "webhooks.deliver_due",
        "schedule": 2.0,
        "options": {"expires": 10},
    },
    "rest.forget_old": {"task": "rest.forget_old", "schedule": 3600.0},
}

# Files: private, whichever the backend.
MEDIA_ROOT = DUBBING_VAR / "media"
_local_files: dict[str, Any] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {
        "location": MEDIA_ROOT,
        "file_permissions_mode": 0o600,
        "directory_permissions_mode": 0o700,
    },
}
_bucket: dict[str, Any] = {
    "BACKEND": "storages.backends.s3.S3Storage",
    "OPTIONS": {
        "bucket_name": S3_BUCKET,
        "endpoint_url": S3_ENDPOINT_URL or None,
        "region_name": S3_REGION or None,
        "access_key": S3_ACCESS_KEY_ID or None,
        "secret_key": S3_SECRET_ACCESS_KEY or None,
        "default_acl": None,
        "querystring_auth": True,
        "querystring_expire": 900,
        "file_overwrite": False,
    },
}
STORAGES: dict[str, dict[str, Any]] = {
    "default": _bucket if STORAGE == "s3" else _local_files,
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
STATIC_URL = "static/"
# Of npm's packages only what pages load; `make setup` installs them.
NODE_MODULES = BASE_DIR / "node_modules"
STATICFILES_DIRS = [
    BASE_DIR / "static",
    ("bootstrap", NODE_MODULES / "bootstrap" / "dist"),
    # One player and one codec, for the extension and for the live page.
    ("dubbing", BASE_DIR / "extension" / "shared"),
]
# Pages are styled without a collectstatic step; its output is used where it was run.
WHITENOISE_USE_FINDERS = True

# People and their tokens
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_FORMS = {"signup": "accounts.signing_up.AccountSignupForm"}
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_CHANGE_EMAIL = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
# Also without a mail server, where whoever runs this one passes the link on: an account that is
# open at once would tell by that whether the address had one before.
ACCOUNT_EMAIL_VERIFICATION = "mandatory"
ACCOUNT_EMAIL_SUBJECT_PREFIX = "Live dubbing: "
ACCOUNT_EMAIL_NOTIFICATIONS = bool(EMAIL_URL)
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
# The client's address, by which guessing is slowed, is the proxy's word where there is one.
ALLAUTH_TRUSTED_PROXY_COUNT = 1 if HTTPS else 0
MFA_ADAPTER = "accounts.adapters.MfaAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Live dubbing"
USERSESSIONS_TRACK_ACTIVITY = True
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
ACCOUNT_LOGOUT_REDIRECT_URL = "home"
if EMAIL_URL:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    _mail = parse_email_url(EMAIL_URL)
    EMAIL_HOST, EMAIL_PORT = _mail.host, _mail.port
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.user, _mail.password
    EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.starttls, _mail.tls
    EMAIL_TIMEOUT = 10
else:
    # What would be sent can be read there by whoever runs the server.
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = DUBBING_VAR / "mail"
DEFAULT_FROM_EMAIL = SERVER_EMAIL = EMAIL_FROM
KNOX_TOKEN_MODEL = "knox.AuthToken"  # noqa: S105 - a model's name
REST_KNOX = {"TOKEN_TTL": timedelta(days=365), "AUTO_REFRESH": False}
REST_FRAMEWORK = {
    # Every view of ours stands on accounts.rest.views.Api, which says who may ask.
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "accounts.rest.schema.Description",
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "DEFAULT_VERSION": "1",
    "ALLOWED_VERSIONS": ["1"],
    "EXCEPTION_HANDLER": "accounts.rest.problems.answer",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    # `format` is a query parameter of ours.
    "URL_FORMAT_OVERRIDE": None,
    # Who is counted: the client as the one proxy in front saw it, else who connects.
    "NUM_PROXIES": 1 if HTTPS else 0,
}
API_ABOUT = """\
The interface of a live dubbing server. What goes over its sockets is an AsyncAPI document of
its own: `/api/asyncapi.json`, and for people `/protocol`.

**Who asks**: a token of yours, in `Authorization`. **Versions**: `Accept: application/json;
version=1`; without a version it is the newest. **Errors** are problem details, see
`/api/problems`. **Lists** come page by page: follow `next`. **Edits** carry `If-Match`.
**Creations** may carry an `Idempotency-Key`. **Rates**: `RateLimit` tells what is left of a
minute; after 429 wait `Retry-After` seconds. **Webhooks** are signed by Standard Webhooks.
"""
SPECTACULAR_SETTINGS = {
    "TITLE": "Live dubbing",
    "DESCRIPTION": API_ABOUT,
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "SCHEMA_PATH_PREFIX": "/api",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_NAME_OVERRIDES": {
        "TokenScope": "accounts.rest.scopes.SCOPE_NAMES",
        "GlossaryLanguage": "sessions_app.glossaries.api.GLOSSARY_LANGUAGES",
        "DeliveryStatus": "accounts.webhooks.models.DeliveryStatus",
        "HealthStatus": ["ok", "degraded"],
        "SessionState": "sessions_app.models.SessionState",
        "TeamRole": "accounts.models.Role",
        "SpeakerState": "voices.models.SpeakerState",
        "SampleState": "voices.models.SampleState",
    },
    "SORT_OPERATIONS": False,
}
# Requests a minute.
API_RATES = {
    "anonymous": 60,
    "token": API_REQUESTS_PER_MINUTE,
    "user": API_REQUESTS_PER_MINUTE,
    "engine_check": 12,
    "webhook_test": 12,
    "pairing": 10,
}

# How often a serving process looks after what it stands on; 0 is never, as in tests.
FAULT_WATCH_SECONDS = 5.0

# Browser security. Plain http on localhost must work, so HTTPS is declared, not guessed.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
# Asked inside the house, past the proxy: by the container's health check and by a scraper.
SECURE_REDIRECT_EXEMPT = [r"^api/health(/live|/ready)?$", r"^api/metrics$"]
SECURE_HSTS_SECONDS = 365 * 86400 if HTTPS else 0
# HSTS speaks for this host only: its sister names are not ours to decide about.
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# Everything a page needs comes from here. Sockets of the same host are part of 'self';
# sound and pictures are also made in the page (blob:, data:). Those of a bucket are read there:
# our addresses of them redirect to signed ones.
_bucket_origins = [S3_ORIGIN] if S3_ORIGIN else []
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:", *_bucket_origins],
        "media-src": [SELF, "blob:", *_bucket_origins],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "base-uri": [NONE],
    }
}

LOGGING_CONFIG = "logging.config.dictConfig"
LOGGING = logging_settings(debug=DEBUG, audio_debug=AUDIO_DEBUG, level=LOG_LEVEL, levels=LOG_LEVELS)
