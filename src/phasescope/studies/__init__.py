"""Studies as data: claims about learning, each with its design, its analysis and its verdict (see `study`).

Our own lie in the checkout's folder `studies`, and use only what is named here, in `phasescope` and in
`phasescope.measures`.

`__init__.pyi` lists the names, for type checkers and for this file: each is imported when it is first used.
"""

from phasescope.core.lazy import attach

__getattr__, __dir__, __all__ = attach(__name__, __file__)  # pyrefly: ignore
