"""Every address of the server but the sockets, which asgi.py routes."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.urls import include, path

from dubbing_project.api_document import OpenApiView
from dubbing_project.health import views as health
from dubbing_project.health.metrics_view import MetricsView
from dubbing_project.operations import operations
from sessions_app.pages.staff import engines_page
from sessions_app.views import ProtocolDocument, protocol_page

# The administration asks for the second factor too.
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]
admin.site.site_header = admin.site.site_title = "Live dubbing: administration"

urlpatterns = [
    path("protocol", protocol_page, name="protocol"),
    path("staff/operations", operations, name="staff-operations"),
    path("staff/engines", engines_page, name="staff-engines"),
    path("account/", include("allauth.urls")),
    path("", include("accounts.page_urls")),
    path("", include("voices.page_urls")),
    path("", include("sessions_app.page_urls")),
    path("admin/", admin.site.urls),
    path("api/health", health.HealthView.as_view(), name="health"),
    path("api/health/live", health.LiveView.as_view(), name="health-live"),
    path("api/health/ready", health.ReadyView.as_view(), name="health-ready"),
    path("api/health/detail", health.HealthDetailView.as_view(), name="health-detail"),
    path("api/metrics", MetricsView.as_view(), name="metrics"),
    path("api/openapi.json", OpenApiView.as_view(), name="openapi"),
    path("api/asyncapi.json", ProtocolDocument.as_view(), name="asyncapi"),
    path("api/", include("accounts.urls")),
    path("api/", include("voices.urls")),
    path("api/", include("sessions_app.urls")),
]
