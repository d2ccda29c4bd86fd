"""The explorer, and reports: pages of its modules with what a server would answer in one file.

A server (Starlette) that reads run folders and study records and changes nothing, and a page of ES modules in `static/`.
Numbers travel as JSON, images and points as raw arrays (`clouds`). torch is imported when a network is first asked for.
"""
