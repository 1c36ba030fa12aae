"""What can be told before anything takes long: does the installation work, and can a run begin?"""

from dferbench.doctor.finding import Finding, State

__all__ = ["Finding", "State"]
