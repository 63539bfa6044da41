// Swagger UI from this server's own files; nothing inline, so that a strict
// Content-Security-Policy holds. Loaded as a module: it runs after the deferred bundle.
const place = document.getElementById("api-docs");

window.SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  presets: [window.SwaggerUIBundle.presets.apis],
  layout: "BaseLayout",
  deepLinking: true,
  // With all of some 150 operations open at once it stops drawing after the first few.
  docExpansion: "none",
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
  requestInterceptor(request) {
    // With the login cookie of this page, as Django wants it.
    const own = new URL(request.url, location.href).origin === location.origin;
    if (own && !request.loadSpec && !["GET", "HEAD"].includes(request.method)) {
      request.headers["X-CSRFToken"] = place.dataset.csrf;
    }
    return request;
  },
});
