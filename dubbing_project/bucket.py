"""Where the files of a bucket are read by browsers, which pages have to allow them."""

from __future__ import annotations

from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError


def bucket_origin(bucket: str, *, endpoint_url: str = "", region: str = "") -> str:
    """Scheme, host and port of the bucket's signed addresses, as ``S3Storage`` makes them.

    The vendor's library says it, because the rules are many: whether the bucket's name is part of
    the host depends on its letters, on the region and on the endpoint. Asks nobody. Raises
    ValueError for what is no endpoint or no bucket's name.
    """
    try:
        client = boto3.client(
            "s3",
            endpoint_url=endpoint_url or None,
            region_name=region or None,
            # Nobody's: the host does not depend on whose they are, and a role's come only later.
            aws_access_key_id="none",
            aws_secret_access_key="none",  # noqa: S106 - see above
            config=Config(s3={"addressing_style": None}),
        )
        wanted = {"Bucket": bucket, "Key": "none"}
        signed = client.generate_presigned_url("get_object", Params=wanted)
    except BotoCoreError as error:
        raise ValueError(str(error)) from error
    place = urlsplit(signed)
    return f"{place.scheme}://{place.netloc}"
