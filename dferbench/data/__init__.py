"""From videos to tensors: which frames, how they are read, how they are changed, how they travel."""
