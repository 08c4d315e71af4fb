"""A question to the renderer that takes its time, and what it came to: STATUS or ERROR that repeats the nonce."""

from __future__ import annotations

import time
from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from bridge.attachment import Attachment
from bridge.errors import InvalidValue, NoRenderer, WorldplateError
from bridge.schema import Record, Status, UseModel, Welcome, World

_STEP_S = 0.001


class Asked:
    """On its way from the making on, in the thread that calls the client; the client's ticks bring the answer."""

    def __init__(
        self, attachment: Attachment, tick: Callable[[], None], message: World | Record | UseModel, nonce: int
    ) -> None:
        """`tick` keeps the link alive."""
        self._attachment, self._tick, self._nonce = attachment, tick, nonce
        self._kind = message.__struct_config__.tag
        self._session = "" if isinstance(message, UseModel) else message.session  # a model is of every session
        attachment.answers[nonce] = None
        sent = attachment.attached and attachment.send(replace(message, nonce=nonce))
        self._link = attachment.link if sent else None

    @property
    def done(self) -> bool:
        """Whether the answer is there, or will not come."""
        lost = self._link is None or self._attachment.link is not self._link
        lost = lost or self._session not in ("", self._attachment.session)
        return lost or self._attachment.answers.get(self._nonce) is not None

    def result(self, timeout_s: float) -> Status:
        """Waits for the answer while the link is kept alive; to be called once. Raises the renderer's error, and
        NoRenderer when it is gone or does not answer in time."""
        until_s = time.monotonic() + timeout_s
        while not self.done and time.monotonic() < until_s:
            self._tick()
            time.sleep(_STEP_S)
        answer = self._attachment.answers.pop(self._nonce, None)
        if isinstance(answer, WorldplateError):
            raise answer
        if answer is None:
            raise NoRenderer(
                f"The renderer did not answer {self._kind}",
                fix="Wait until the client is attached, or allow a longer `timeout_s`.",
            )
        return answer


def asking_for(model: str) -> UseModel:
    """Raises InvalidValue for what is no name of a model."""
    try:
        return msgspec.convert({"type": "MODEL", "model": model}, UseModel)
    except msgspec.ValidationError as error:
        raise InvalidValue(f"{model!r} is no name of a model: {error}", fix="Choose one of `models`.") from error


class ModelChange:
    """Another model that was asked for. The old one makes the plates until `done`, and after it where there is none."""

    def __init__(self, asked: Asked, attachment: Attachment) -> None:
        self._asked, self._attachment = asked, attachment

    @property
    def done(self) -> bool:
        """To be looked at between frames, which go on: whether the new model serves, or it is known why not."""
        return self._asked.done

    def result(self, timeout_s: float = 600.0) -> Welcome:
        """What was agreed anew, with the new model's controls: the next frame is its own. Waits for it without showing
        frames; to be called once. Raises why the old model serves on: a ModelError, MissingPlane, NotSupported; and
        NoRenderer when the renderer is gone or does not answer in time."""
        self._asked.result(timeout_s)
        welcome = self._attachment.welcome
        if welcome is None:  # a resize is on its way
            raise NoRenderer("The session is being agreed anew", fix="Wait until the client is attached again.")
        return welcome
