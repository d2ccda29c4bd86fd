"""What axe-core finds in a page."""

from importlib.resources import files


def violations(page) -> list[str]:
    """What axe-core finds, a line each: the rule, and the first places that break it.

    A drawing is one picture with one name: its strokes are left out.
    """
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run({exclude: [['figure svg[role=img] > *']]}, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:120] for node in one['nodes'][:3]]} of {len(one['nodes'])}"
        for one in found["violations"]
    ]
