"""The reference of the configuration is written from the schema, and every key has a meaning."""

from docs.configuration import PAGE, page
from phasescope import RunConfig


def test_the_page_is_that_of_the_schema():
    assert PAGE.read_text() == page(), "python -m docs.configuration writes it"


def test_every_key_has_a_meaning():
    schema = RunConfig.model_json_schema()
    parts = {"the run": schema, **schema["$defs"]}
    bare = [
        f"{name}.{key}"
        for name, part in parts.items()
        for key, value in part.get("properties", {}).items()
        if key != "kind" and not value.get("description")
    ]
    assert bare == []
