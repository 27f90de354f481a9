"""The package's version, as it was installed."""

from importlib.metadata import PackageNotFoundError, version

try:
    VERSION = version("vsr")
except PackageNotFoundError:  # a checkout on the path
    VERSION = "unknown"
