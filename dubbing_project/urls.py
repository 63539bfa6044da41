"""Every address of the server but the sockets, which asgi.py routes."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import TemplateView

from dubbing_project.health.views import HealthView
from sessions_app.views import protocol_document, protocol_page

urlpatterns = [
    path("", TemplateView.as_view(template_name="home.html"), name="home"),
    path("protocol", protocol_page, name="protocol"),
    path("account/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/health", HealthView.as_view(), name="health"),
    path("api/asyncapi.json", protocol_document, name="asyncapi"),
    path("api/", include("accounts.urls")),
    path("api/", include("sessions_app.urls")),
]
