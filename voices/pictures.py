"""Pictures of actors: what somebody sent becomes a small WebP that tells nothing else."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps, UnidentifiedImageError

from pipeline.bounds import PICTURE_MAX_BYTES, PICTURE_MAX_PIXELS
from voices.errors import VoicesError

SIDE = 512
_FORMATS = ("JPEG", "PNG", "WEBP", "GIF")


def small_picture(content: bytes) -> io.BytesIO:
    """At most 512 pixels a side, upright, without what the camera noted. Raises VoicesError."""
    if len(content) > PICTURE_MAX_BYTES:
        limit = PICTURE_MAX_BYTES // 1024**2
        raise VoicesError(
            "picture_too_large", f"The picture is larger than {limit} MiB.", field="picture"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(io.BytesIO(content), formats=_FORMATS) as opened:
                if opened.width * opened.height > PICTURE_MAX_PIXELS:
                    raise VoicesError(
                        "picture_too_large",
                        f"The picture has more than {PICTURE_MAX_PIXELS // 10**6} megapixels.",
                        field="picture",
                    )
                opened.draft("RGB", (SIDE * 2, SIDE * 2))
                upright = ImageOps.exif_transpose(opened)
                upright.thumbnail((SIDE, SIDE))
                small = upright.convert("RGBA" if "A" in upright.getbands() else "RGB")
    except VoicesError:
        raise
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise VoicesError(
            "picture_unreadable",
            "This is no picture that can be read. Send a JPEG, PNG, WebP or GIF.",
            field="picture",
        ) from None
    out = io.BytesIO()
    # A fresh image: nothing of the old one's tags goes along.
    clean = Image.new(small.mode, small.size)
    clean.paste(small)
    clean.save(out, "WEBP", quality=85)
    out.seek(0)
    return out
