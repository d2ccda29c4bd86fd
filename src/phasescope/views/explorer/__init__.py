"""The explorer: which runs there are, how each network learned, and what it generates now, in the browser.

A server (Starlette) that reads run folders and study records and changes nothing, and a page of ES modules in `static/`.
Numbers travel as JSON, images and points as raw arrays (`clouds`). torch is imported when a network is first asked for.
"""
