"""Lines of access logs, as their documentation shows them."""

import json

S3_FIELDS = (
    "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be docstore-content-us-west-2"
    " [06/Feb/2026:00:00:38 +0000] {client} arn:aws:sts::111122223333:assumed-role/docstore-metadata/s 3E57427F33A59F07"
    ' {operation} {key} "GET /{key}?X-Amz-Signature=abcdef&X-Amz-Expires=300 HTTP/1.1" {status} - {sent} {size} 70 10'
    ' "-" "{agent}" - bcyfxKnbYZ= SigV4 ECDHE-RSA-AES128-GCM-SHA256 {authentication}'
    " docstore-content-us-west-2.s3.us-west-2.amazonaws.com TLSv1.2 - -\n"
)
KEY = "accounts/ann/uploads/u1/content"
CLOUDFRONT_HEAD = (
    "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status"
    " cs(Referer) cs(User-Agent) cs-uri-query cs(Cookie) x-edge-result-type x-edge-request-id x-host-header\n"
)


def s3_line(
    key: str = KEY,
    *,
    sent: str = "1000",
    agent: str = "curl/8.5",
    operation: str = "REST.GET.OBJECT",
    authentication: str = "QueryString",
    status: int = 200,
    client: str = "192.0.2.3",
) -> str:
    """A read of 1000 bytes with a signed URL, unless something else is asked for."""
    return S3_FIELDS.format(
        key=key,
        sent=sent,
        size=sent,
        agent=agent,
        operation=operation,
        authentication=authentication,
        status=status,
        client=client,
    )


def cloudfront_line(key: str = KEY, sent: int = 1500, query: str = "Expires=1&Signature=abc&Key-Pair-Id=K") -> str:
    return (
        f"2026-02-06\t00:01:02\tFRA2\t{sent}\t2001:db8:1:2:3:4:5:6\tGET\td111.cloudfront.net\t/{key}\t206\t-"
        f"\tMozilla/5.0%20(X11)\t{query}\t-\tHit\tSOX4xwn4XV6Q==\tcdn.example.org\n"
    )


def embedded_line(bucket: str, key: str) -> str:
    """A read with a signed URL; of no key: the listing of the bucket."""
    access = {"time": 1770336000, "bucket": bucket, "key": key, "operation": "REST.GET.OBJECT", "status": 200}
    return json.dumps({**access, "client": "::1", "request_id": "r", "user_agent": "curl", "by_url": True}) + "\n"
