"""What methods cost: parameters, MACs, throughput and memory, and how long a study will take."""
