"""Telling a token that was verified from one that a process remembered."""

import contextlib

from . import paths

#: One process, so that a second request with a token is a hit, whatever the MPM.
ONE = {"processes": 1, "threads": 1 if paths.MPM == "prefork" else 4}

#: The default, also where AUTH0_JWT_TOKEN_CACHE has turned the cache off.
CACHE = "Auth0TokenCache 4096\n"

#: What the log says, at debug, when a signature was verified and held.
VERIFIED = "token accepted as signed by"


@contextlib.contextmanager
def costs(server, verifications):
    """Good signatures are verified exactly so often in this block; all else is a hit."""
    mark = server.mark()
    yield
    assert server.log(mark).count(VERIFIED) == verifications, server.log(mark)[-4000:]
