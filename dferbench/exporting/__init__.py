"""Models as files for other programs: torch.export and ONNX."""
