"""What an answer depends on: places and frames of one video."""
