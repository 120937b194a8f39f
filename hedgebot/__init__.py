"""hedgebot: an unattended daemon that keeps a crypto derivatives book inside its delta band."""

__version__ = "0.1.0"
