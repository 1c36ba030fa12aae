"""What a run is computed with: device and precision, package versions, random seeds."""
