"""No property depends on speed: examples may take as long as a busy machine lets them."""

from hypothesis import settings

settings.register_profile("hearth", deadline=None)
settings.load_profile("hearth")
