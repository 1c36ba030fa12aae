"""How the frames of a video are read: one door for decord, PyAV and folders of frame images."""

from dferbench.data.decoders.choose import DECODERS, Decoder, choose_decoder
from dferbench.data.decoders.frames import Choose, Frames, Image, Passing, Reader
from dferbench.data.decoders.still import is_still
from dferbench.data.decoders.stream import stream

__all__ = [
    "DECODERS",
    "Choose",
    "Decoder",
    "Frames",
    "Image",
    "Passing",
    "Reader",
    "choose_decoder",
    "is_still",
    "stream",
]
