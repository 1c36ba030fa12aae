"""From videos to tensors: which frames, how they are read, how they are changed, how they travel.

What dataset plugins need beyond the nouns; `dferbench.data.official` reads datasets as they are distributed.
"""

from dferbench.places import cache_folder, is_made
from dferbench.progress import Progress
from dferbench.types import FindFace, Paint

__all__ = ["FindFace", "Paint", "Progress", "cache_folder", "is_made"]
