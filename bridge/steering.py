"""What a person or the engine has set: the model's controls, and who owns which pixel; told to every renderer anew."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from bridge.attachment import Attachment
from bridge.schema import ControlValue, SetControls

_NOTHING = SetControls(session="0" * 32)


class Steering:
    """All that was set so far, and whether the renderer knows it."""

    def __init__(self) -> None:
        self._set = _NOTHING
        self._known = True

    def change(self, values: Mapping[str, ControlValue], ownership: Mapping[str, object]) -> None:
        """`ownership` are fields of CONTROL; None leaves one as it is."""
        changed = {name: value for name, value in ownership.items() if value is not None}
        self._set = msgspec.structs.replace(self._set, values={**self._set.values, **values}, **changed)
        self._known = False

    def forgotten(self) -> None:
        """Another renderer is there, or none."""
        self._known = self._set == _NOTHING

    def tell(self, attachment: Attachment) -> None:
        """Again at the next call when the link does not take it."""
        if not self._known and attachment.attached:
            self._known = attachment.send(msgspec.structs.replace(self._set, session=attachment.session))
