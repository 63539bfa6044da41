"""Small things that every template may use; built in, so none has to be loaded."""

from __future__ import annotations

import functools
import re
from datetime import datetime
from typing import Any

from django import template
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from accounts.preferences import LANGUAGES
from pipeline.text.bidi import has_right_to_left, isolated

register = template.Library()
register.filter("isolated", lambda name: isolated(str(name)))


@register.simple_tag
def icon(name: str, css: str = "") -> SafeString:
    """A picture of Bootstrap Icons in the page itself, in the colour of its text.

    It is for the eye only: whatever it stands beside or in has a name in words.
    """
    classes = f"icon {css}".strip()
    # What is marked safe was read from the installed package; `css` comes from templates.
    return mark_safe(_picture(name).replace("<svg ", f'<svg class="{classes}" ', 1))  # noqa: S308


@functools.lru_cache(maxsize=256)
def _picture(name: str) -> str:
    file = settings.NODE_MODULES / "bootstrap-icons" / "icons" / f"{name}.svg"
    drawing = re.sub(r'\s(class|xmlns|width|height)="[^"]*"', "", file.read_text("utf-8"))
    drawing = re.sub(r"\s*\n\s*", "", drawing)
    return drawing.replace("<svg", '<svg aria-hidden="true" focusable="false"', 1)


@register.simple_tag(takes_context=True)
def nav_item(
    context: dict[str, Any], name: str, title: str, picture: str = "", css: str = "nav-link"
) -> SafeString:
    """A link of a menu: nothing where there is no such page, marked when one is on it or
    below it."""
    try:
        address = reverse(name)
    except NoReverseMatch:
        return mark_safe("")
    path = context["request"].path if "request" in context else ""
    here = path == address or (address != "/" and path.startswith(address.rstrip("/") + "/"))
    return format_html(
        '<a class="{}{}" href="{}"{}>{}<span>{}</span></a>',
        css,
        " active" if here else "",
        address,
        mark_safe(' aria-current="page"') if here else "",
        icon(picture) if picture else "",
        title,
    )


@register.simple_tag
def moment(when: datetime | None, style: str = "") -> SafeString:
    """A time, in UTC until the page's script shows it in the reader's zone."""
    if when is None:
        return mark_safe("–")
    shown = when.strftime("%Y-%m-%d" if style == "date" else "%Y-%m-%d %H:%M UTC")
    return format_html(
        '<time datetime="{}" data-style="{}">{}</time>', when.isoformat(), style, shown
    )


_BROWSERS = (
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@register.filter
def browser_name(user_agent: str) -> str:
    """A guess for people, such as "Firefox on Linux"."""
    browser = next((name for mark, name in _BROWSERS if mark in user_agent), "")
    system = next((name for mark, name in _SYSTEMS if mark in user_agent), "")
    if not browser:
        return user_agent.split("/")[0][:40] or "Unknown"
    return f"{browser} on {system}" if system else browser


@register.filter
def in_words(code: str) -> str:
    """A code as people read it: ``name_unresolved`` as "name unresolved"."""
    return code.replace("_", " ")


@register.filter
def language_name(code: str, empty: str = "") -> str:
    """The English name of a language code, or the code itself."""
    return LANGUAGES.get(code, code) if code else empty


@register.filter
def bdi(name: object) -> str:
    """A name in a text of the page, in its own direction; in attributes and options, where no
    element can stand, it is ``isolated``."""
    text = str(name)
    return format_html("<bdi>{}</bdi>", text) if has_right_to_left(text) else text
