"""What several tests share: small runs, studies and folders, and the commands and requests that are tried on them."""

from pathlib import Path

HERE = Path(__file__).parent
"""where the scripts lie that tests start as processes of their own: `dying.py`, `studying.py`"""
