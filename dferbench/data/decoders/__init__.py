"""How the frames of a video are read: one door for decord, PyAV and folders of frame images."""

from dferbench.data.decoders.choose import DECODERS, Decoder, choose_decoder
from dferbench.data.decoders.frames import Choose, Frames, Image, Reader

__all__ = ["DECODERS", "Choose", "Decoder", "Frames", "Image", "Reader", "choose_decoder"]
