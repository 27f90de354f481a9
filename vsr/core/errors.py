"""Everything that vsr raises on purpose.

    VsrError
    ├── InputError        the source cannot be read, or holds no picture
    │   └── StalledError  nothing has come from the source for too long
    ├── OutputError       the target cannot be written
    │   ├── EncoderError  the encoder is unknown, or refuses these settings
    │   ├── DoneError     the target is there, made by this very job: nothing is left to do
    │   └── SegmentError  what the encoder makes cannot be put aside in segments
    ├── ModelError        no such model, scale or weights file
    ├── DeviceError       the device or precision asked for is not available
    ├── TrainingError     nothing to learn from, or a run that cannot be continued
    └── StoppedError      stopped on request: what is done is kept

Each message is one line that names the bad value and what is allowed. An option stands in it as
it is typed at the command line; a note (PEP 678), which stands below the message in a traceback,
says how it is written in Python. An option that not all commands have stands in a hint, which the
command line leaves out where it has none such.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class VsrError(Exception):
    """The root of the tree.

    Attributes:
        hint: the last words of the message, which say what option helps; "" where none does.
        instead: what helps where there is no such option.
    """

    def __init__(
        self, *arguments: object, hint: str = "", instead: str = "", python: str = ""
    ) -> None:
        """`python` is how Python writes the options that the message names."""
        if hint:
            arguments = (f"{arguments[0]}; {hint}", *arguments[1:])
        super().__init__(*arguments)
        self.hint, self.instead = hint, instead
        if python:
            self.add_note(f"in Python: {python}")

    def without_hint(self) -> str:
        """The message for who has no option that the hint names."""
        bare = str(self).removesuffix(f"; {self.hint}")
        return f"{bare}; {self.instead}" if self.instead else bare


class InputError(VsrError):
    """The source cannot be read, or holds no picture."""


class StalledError(InputError):
    """Nothing has come from the source for too long; a thread may still wait for it."""


class OutputError(VsrError):
    """The target cannot be written."""


class EncoderError(OutputError):
    """The encoder is unknown, or refuses these settings."""


class DoneError(OutputError):
    """The target is there already, made by this very job: nothing is left to do."""


class SegmentError(OutputError):
    """What the encoder makes cannot be put aside in segments."""


class ModelError(VsrError):
    """No such model, scale or weights file."""


class DeviceError(VsrError):
    """The device or precision asked for is not available."""


class TrainingError(VsrError):
    """Nothing to learn from, a bad recipe, or a run that cannot go on."""


class StoppedError(VsrError):
    """Asked to stop. What is done is kept, and the same call goes on from there."""


@contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn what the system says while `target` is written into an OutputError."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror or error})") from error
