"""Questions that nobody should ask the explorer: each parameter of each route has a third of the hostile values."""

from collections.abc import Iterator
from itertools import count
from urllib.parse import quote, urlencode

HOSTILE = (
    "", " ", "-1", "0", "-0", "1.5", "1e309", "nan", "-inf", "1_0", "0x10", "\u0663", "9" * 16, "9" * 40, "9" * 5000,
    "1,2,3", ",", "1,", "true", "null", "[]", "{}", "mid", "mid.", ".10", "mid.-1", "mid.1e3", "mid." + "9" * 30, "down9.10",
    "../mid.10", "../secret", "../../../../etc/passwd", "/etc/passwd", "file:///etc/passwd", "..\\secret",
    "%2e%2e%2fsecret", "~", "*", "\x00", "a\r\nX-Told: b", "<script>alert(1)</script>", "'; DROP TABLE runs; --",
    "' OR 1=1 --", "{{7*7}}", "${7*7}", "%s%n%x", "a" * 5000, "\u202e\u2066", "\U0001f4a3", "\ufeff1", "CON", "__proto__",
    "None",
)  # fmt: skip

QUESTIONS: dict[str, dict[str, str]] = {
    "/api/runs": {"since": "0"},
    "/api/runs/RUN/samples": {"step": "20"},
    "/api/runs/RUN/cloud": {"site": "mid.10", "projection": "pca"},
    "/api/runs/RUN/points": {"site": "mid.10", "projection": "pca", "step": "20", "label": "2,3"},
    "/api/runs/RUN/generate": {
        "label": "2,3", "sampler": "ddim", "steps": "2", "guidance": "0.5", "seed": "1", "strip": "1", "step": "20",
        "layer": "mid", "how": "part", "towards": "5,5",
    },
}  # fmt: skip
"""a good question of each route that takes any"""

PLACES = (
    "/HOSTILE", "/static/HOSTILE", "/api/HOSTILE", "/api/runs/HOSTILE", "/api/runs/HOSTILE/samples?step=20",
    "/studies/HOSTILE", "/api/runs/HOSTILE/cloud?site=mid.10&projection=pca",
    "/api/runs/HOSTILE/generate?label=2,3", 
    "/api/runs/RUN/HOSTILE",
)  # fmt: skip

HEADERS = (
    "Host", "Cookie", "Authorization", "If-None-Match", "Range", "Origin", "Referer", "Accept-Encoding", "X-Forwarded-Host",
    "X-Forwarded-For", "X-Original-URL", "Sec-Fetch-Site", "Content-Length",
)  # fmt: skip


def parameters(run: str) -> Iterator[str]:
    """Addresses in which one parameter of a good question is hostile, missing, or given twice."""
    number = count()
    for route, good in QUESTIONS.items():
        path = route.replace("RUN", quote(run))
        for name in good:
            rest = {key: value for key, value in good.items() if key != name}
            yield f"{path}?{urlencode(rest)}"
            yield f"{path}?{urlencode([*good.items(), (name, 'twice')])}"
            yield f"{path}?{urlencode({**rest, name.upper(): good[name]})}"
            yield f"{path}?{name}=%ff%fe&{urlencode(rest)}"
            for value in HOSTILE[next(number) % 3 :: 3]:
                yield f"{path}?{urlencode({**rest, name: value})}"


def paths(run: str) -> Iterator[str]:
    """Addresses in which a part of the path is hostile."""
    for number, place in enumerate(PLACES):
        for value in HOSTILE[number % 2 :: 2]:
            yield place.replace("RUN", quote(run)).replace("HOSTILE", quote(value, safe=""))


def headers() -> Iterator[dict[str, str]]:
    """Headers of which one is hostile; those that no client can send are left out."""
    for number, name in enumerate(HEADERS):
        for value in HOSTILE[number % 2 :: 2]:
            if value.isascii() and value.isprintable() and value == value.strip():
                yield {name: value}
